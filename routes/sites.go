package routes

import (
	"bytes"

	"monopoll/routes/site"
)

// siteFor finds the site that the host names: a folder of that name if it has a
// dot, or the folder "blog" for blog.DOMAIN. The folders are names of one tree, so
// a new one is a site as soon as the tree has it. Where there is none it answers
// itself, with 421 or a redirect, and gives nil.
func (t *Table) siteFor(r *route, req *Request, res *Response) *site.Dir {
	tree := t.sites[r.tree]
	host := res.normalHost(req.Host)
	top := r.siteOf(tree.Root(), host)
	if top == nil {
		if bare, ok := bytes.CutPrefix(host, []byte("www.")); ok && ownSite(tree.Root(), bare) != nil {
			res.redirectToHost(req, bare)
			return nil
		}
		if len(r.fallsite) > 0 {
			top = tree.Root().Dir(r.fallsite)
		}
	}
	if top == nil {
		res.Refuse(421, req.Accept)
	}
	return top
}

// siteOf finds the folder of a host, nil if it has none of its own.
func (r *route) siteOf(sites *site.Dir, host []byte) *site.Dir {
	if d := ownSite(sites, host); d != nil || r.domain == "" {
		return d
	}
	at := len(host) - len(r.domain)
	if at < 2 || host[at-1] != '.' || string(host[at:]) != r.domain {
		return nil
	}
	label := host[:at-1]
	if bytes.IndexByte(label, '.') >= 0 {
		return nil // a folder with a dot has a host of its own
	}
	return sites.Dir(label)
}

// ownSite finds the folder that is called like the host. A name that begins
// with a dot is no host's.
func ownSite(sites *site.Dir, host []byte) *site.Dir {
	if bytes.IndexByte(host, '.') <= 0 {
		return nil
	}
	return sites.Dir(host)
}

// redirectToHost redirects to the same address at another host, one that has a
// folder here. The reference leaves the scheme to the client (RFC 3986 §4.2):
// before us there may be a proxy that speaks TLS.
func (res *Response) redirectToHost(req *Request, host []byte) {
	res.Own = append(res.Own, "Location: //"...)
	res.Own = append(res.Own, host...)
	if i := bytes.LastIndexByte(req.Host, ':'); i >= 0 && number(req.Host[i+1:]) > 0 {
		res.Own = append(res.Own, req.Host[i:]...)
	}
	res.Own = res.path.appendTo(res.Own)
	res.finishRedirect(req)
}
