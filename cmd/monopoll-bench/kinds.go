package main

import (
	"fmt"
	"os"
)

// kind is a web server that is known here.
type kind struct {
	name string
	// version is what to ask the program to say which one it is.
	version string
	// file is the name of its config, and config makes the text of it.
	file   string
	config func(*site) string
	// args follow the program on its command line.
	args func(*site) []string
	// fixed says that it can give a fixed response.
	fixed bool
}

// site is what a server is to serve, and where.
type site struct {
	dir    string // for the config and whatever the server wants to write
	config string // path of the config
	root   string
	port   int
	conns  int
}

// spare is how many connections a server may have beside those of the client.
const spare = 64

// kinds in the order in which they stand in the table.
var kinds = []*kind{
	{name: "monopoll", version: "version", file: "monopoll.yaml", config: monopollConfig, fixed: true,
		args: func(s *site) []string { return []string{"run", "-c", s.config} }},
	{name: "nginx", version: "-v", file: "nginx.conf", config: nginxConfig, fixed: true,
		args: func(s *site) []string { return []string{"-p", s.dir, "-c", s.config} }},
	{name: "h2o", version: "-v", file: "h2o.conf", config: h2oConfig,
		args: func(s *site) []string { return []string{"-m", "worker", "-c", s.config} }},
	{name: "lighttpd", version: "-v", file: "lighttpd.conf", config: lighttpdConfig,
		args: func(s *site) []string { return []string{"-D", "-f", s.config} }},
	{name: "caddy", version: "version", file: "Caddyfile", config: caddyConfig, fixed: true,
		args: func(s *site) []string { return []string{"run", "--config", s.config, "--adapter", "caddyfile"} }},
}

func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

func monopollConfig(s *site) string {
	return fmt.Sprintf(`listeners:
  - listen: "127.0.0.1:%d"
    routes:
      /: {root: {dir: %q, compress: false}}
      /fixed: {respond: %q}
limits: {connections: %d}
log: {access: "off"}
control: "off"
`, s.port, s.root, fixedBody, s.conns+spare)
}

func nginxConfig(s *site) string {
	user := ""
	if os.Geteuid() == 0 { // the worker has to reach the files, wherever they are
		user = "user root;"
	}
	return fmt.Sprintf(`%[1]s worker_processes 1; daemon off; pid %[2]s/nginx.pid; error_log %[2]s/nginx.err crit;
worker_rlimit_nofile %[3]d;
events { use epoll; worker_connections %[3]d; multi_accept on; }
http {
  types { text/html html; }
  default_type application/octet-stream;
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_timeout 75; keepalive_requests 1000000000;
  open_file_cache max=2000 inactive=60s; open_file_cache_valid 30s; open_file_cache_min_uses 1;
  client_body_temp_path %[2]s/nginx-b; proxy_temp_path %[2]s/nginx-p; fastcgi_temp_path %[2]s/nginx-f;
  uwsgi_temp_path %[2]s/nginx-u; scgi_temp_path %[2]s/nginx-s;
  server {
    listen 127.0.0.1:%[4]d backlog=4096; root %[5]q; index index.html;
    location = /fixed { default_type text/plain; return 200 %[6]q; }
  }
}
`, user, s.dir, 2*(s.conns+spare)+2*siteFiles, s.port, s.root, fixedBody)
}

func h2oConfig(s *site) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user: root\n"
	}
	return fmt.Sprintf(`%snum-threads: 1
pid-file: %q
max-connections: %d
listen: {host: 127.0.0.1, port: %d}
hosts:
  default:
    paths:
      /: {file.dir: %q}
`, user, s.dir+"/h2o.pid", s.conns+spare, s.port, s.root)
}

func lighttpdConfig(s *site) string {
	return fmt.Sprintf(`server.port = %d
server.bind = "127.0.0.1"
server.document-root = %q
server.max-fds = %d
server.max-connections = %d
server.max-keep-alive-requests = 1000000000
server.event-handler = "linux-sysepoll"
server.network-backend = "sendfile"
server.stat-cache-engine = "simple"
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html; charset=utf-8", "" => "application/octet-stream")
`, s.port, s.root, 3*(s.conns+spare)+2*siteFiles, s.conns+spare)
}

func caddyConfig(s *site) string {
	return fmt.Sprintf(`{
	admin off
	auto_https off
}
http://127.0.0.1:%d {
	root * %q
	respond /fixed %q
	file_server
}
`, s.port, s.root, fixedBody)
}
