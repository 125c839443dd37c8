//! Proxies, before a server in Go or FastAPI: their own calls have a parent, too.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{PLAIN, Server, go, python, sources};
use crate::truth::stack::folder;
use crate::{apt, sh};

/// Those behind a proxy.
pub const SERVERS: &[Server] = &[
    Server { name: "nginx-go", install: go::install, command: go::server, proxy: Some(nginx), ..PLAIN },
    Server {
        name: "nginx-fastapi",
        install: python::install,
        command: python::fastapi,
        proxy: Some(nginx),
        in_ci: true,
        ..PLAIN
    },
    Server { name: "haproxy-go", install: go::install, command: go::server, proxy: Some(haproxy), ..PLAIN },
    Server { name: "goproxy-go", install: go::install, command: go::server, proxy: Some(go::proxy), ..PLAIN },
];

fn program(name: &str) -> Result<std::path::PathBuf> {
    if sh::which(name).is_none() {
        apt::install(&[name])?;
    }
    sh::which(name).with_context(|| format!("{name} is missing"))
}

/// nginx before a server.
fn nginx(_: &Path, port: u16, upstream: u16) -> Result<Command> {
    let pass =
        "proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_next_upstream off;";
    nginx_with(port, upstream, pass)
}

/// nginx before PHP-FPM.
pub fn nginx_php(_: &Path, port: u16, upstream: u16) -> Result<Command> {
    let script = sources("php").join("work.php");
    let pass = format!(
        "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {};\n\
         fastcgi_next_upstream off; fastcgi_pass server;",
        script.display()
    );
    nginx_with(port, upstream, &pass)
}

/// One worker: more would share its work by chance.
fn nginx_with(port: u16, upstream: u16, pass: &str) -> Result<Command> {
    let dir = folder()?.join("nginx");
    std::fs::create_dir_all(&dir)?;
    let text = format!(
        "worker_processes 1; daemon off; error_log {dir}/error.log; pid {dir}/pid;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
           access_log off; keepalive_requests 1000000000; keepalive_timeout 60s;\n\
           client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;\n\
           uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;\n\
           upstream server {{ server 127.0.0.1:{upstream}; keepalive 16; }}\n\
           server {{ listen 127.0.0.1:{port}; location / {{ {pass} }} }}\n\
         }}\n",
        dir = dir.display(),
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, text)?;
    let mut cmd = Command::new(program("nginx")?);
    cmd.arg("-c").arg(&file).arg("-e").arg(dir.join("error.log"));
    Ok(cmd)
}

/// One thread: one event loop.
fn haproxy(_: &Path, port: u16, upstream: u16) -> Result<Command> {
    let file = folder()?.join("haproxy.cfg");
    std::fs::write(
        &file,
        format!(
            "global\n    nbthread 1\n\
             defaults\n    mode http\n    timeout connect 20s\n    timeout client 60s\n    timeout server 60s\n    \
             http-reuse always\n\
             frontend front\n    bind 127.0.0.1:{port}\n    default_backend back\n\
             backend back\n    server server 127.0.0.1:{upstream}\n"
        ),
    )?;
    let mut cmd = Command::new(program("haproxy")?);
    cmd.arg("-db").arg("-f").arg(file);
    Ok(cmd)
}
