//! nginx, as one process that does nothing but answer.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use emulator_tests::services::free_address;
use tokio::process::{Child, Command};

use crate::affinity::on_server_core;
use crate::answer::Answer;

/// nginx reads no longer word than this from its configuration.
const LONGEST_WORD: usize = 4000;

/// What nginx would not take for itself in a quoted word: variables cannot be escaped.
const UNQUOTABLE: [char; 3] = ['$', '\'', '\\'];

/// A running nginx; it is killed when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    /// For each site that was given, in that order.
    pub addresses: Vec<SocketAddr>,
}

/// What one of its ports answers to `/api/latest`.
#[derive(Clone, Copy, Debug)]
pub enum Site<'a> {
    /// `return 200` with the head of this answer, and the [`constant_body`] of its size.
    Return(&'a Answer),
    /// A file of these bytes, with the head of this answer; nginx makes the entity tag and compares it.
    File(&'a Answer),
}

impl Nginx {
    /// Starts it; what it needs is written to `directory`.
    ///
    /// # Errors
    /// When it is not installed, or a header cannot be written in its configuration.
    pub fn start(directory: &Path, sites: &[Site<'_>]) -> anyhow::Result<Self> {
        let mut text = head(directory);
        let mut addresses = Vec::new();
        for (index, site) in sites.iter().enumerate() {
            let address = free_address()?;
            let root = directory.join(format!("site-{index}"));
            text.push_str(&server(address, *site, &root)?);
            if let Site::File(answer) = site {
                std::fs::create_dir_all(root.join("api"))?;
                std::fs::write(root.join("api/latest"), &answer.body)?;
            }
            addresses.push(address);
        }
        text.push_str("}\n");
        let configuration = directory.join("nginx.conf");
        std::fs::write(&configuration, text)?;
        let mut command = Command::new(program());
        command
            .arg("-c")
            .arg(&configuration)
            .arg("-p")
            .arg(directory)
            .arg("-e")
            .arg(directory.join("error.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let child = on_server_core(|| command.spawn())?;
        let child = child.context("nginx cannot be started; it is in Debian's package nginx")?;
        Ok(Self { child, addresses })
    }

    /// The id of its process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("nginx has ended")
    }
}

/// Debian puts it where only the administrator's PATH looks.
fn program() -> PathBuf {
    let usual = PathBuf::from("/usr/sbin/nginx");
    if usual.is_file() { usual } else { "nginx".into() }
}

fn head(directory: &Path) -> String {
    let mut text = format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {0}/nginx.pid;\nerror_log {0}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\naccess_log off;\nkeepalive_timeout 75s;\nkeepalive_requests 1000000000;\n\
         sendfile on;\ntcp_nopush on;\ntcp_nodelay on;\nopen_file_cache max=16;\n",
        directory.display()
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{kind}_temp_path {}/{kind};", directory.display());
    }
    text
}

fn server(address: SocketAddr, site: Site<'_>, root: &Path) -> anyhow::Result<String> {
    let (Site::Return(answer) | Site::File(answer)) = site;
    let mut text = format!("server {{\nlisten {address};\nroot {};\ntypes {{ }}\n", root.display());
    text.push_str("location = /api/latest {\n");
    let is_file = matches!(site, Site::File(_));
    for (name, value) in &answer.headers {
        ensure!(
            !value.contains(|one: char| UNQUOTABLE.contains(&one) || one.is_control()),
            "nginx cannot be told to send the header {name}: {value:?}"
        );
        let _ = match name.as_str() {
            "content-type" => writeln!(text, "default_type '{value}';"),
            "etag" if is_file => Ok(()),
            _ => writeln!(text, "add_header {name} '{value}';"),
        };
    }
    if !is_file {
        text.push_str(&constant(answer.body.len()));
    }
    text.push_str("}\n}\n");
    Ok(text)
}

/// What `return` answers with: so many bytes, whatever the others say in as many.
#[must_use]
pub fn constant_body(length: usize) -> Bytes {
    vec![b'x'; length].into()
}

/// The [`constant_body`] of this many bytes. One that is longer than a word is put together of variables, which nginx does for each
/// request anew: it has no other way to return so much.
fn constant(length: usize) -> String {
    let mut text = String::new();
    let mut body = String::new();
    if length <= LONGEST_WORD {
        body.push_str(&"x".repeat(length));
    } else {
        let _ = writeln!(text, "set $part '{}';", "x".repeat(LONGEST_WORD));
        body.push_str(&"$part".repeat(length / LONGEST_WORD));
        let rest = length % LONGEST_WORD;
        if rest > 0 {
            let _ = writeln!(text, "set $rest '{}';", "x".repeat(rest));
            body.push_str("$rest");
        }
    }
    text + &format!("return 200 \"{body}\";\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_size_that_is_asked_for() {
        assert_eq!(constant(0), "return 200 \"\";\n");
        assert_eq!(constant(3), "return 200 \"xxx\";\n");
        let long = constant(2 * LONGEST_WORD + 1);
        assert!(long.ends_with("set $rest 'x';\nreturn 200 \"$part$part$rest\";\n"), "{long}");
        assert!(long.starts_with(&format!("set $part '{}';\n", "x".repeat(LONGEST_WORD))), "{long}");
    }

    #[test]
    fn a_file_gets_its_own_tag_and_everything_else_of_the_head() {
        let headers = [("etag", "\"a\""), ("vary", "A, B"), ("content-type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let answer = Answer { status: 200, headers, body: "hi".into() };
        let address = "127.0.0.1:1".parse().unwrap();
        let text = |site| server(address, site, Path::new("/r")).unwrap();
        let (constant, file) = (text(Site::Return(&answer)), text(Site::File(&answer)));
        for text in [&constant, &file] {
            assert!(
                text.contains("add_header vary 'A, B';") && text.contains("default_type 'application/json';")
            );
        }
        assert!(constant.contains("add_header etag '\"a\"';") && constant.contains("return 200 \"xx\";"));
        assert!(!file.contains("etag") && !file.contains("return"), "{file}");
    }

    #[test]
    fn a_header_that_nginx_would_change_is_refused() {
        for value in ["$host", "a'b", "a\\b", "a\nb"] {
            let headers = vec![("vary".to_owned(), value.to_owned())];
            let answer = Answer { status: 200, headers, body: Bytes::new() };
            let refused = server("127.0.0.1:1".parse().unwrap(), Site::Return(&answer), Path::new("/r"));
            assert!(refused.unwrap_err().to_string().contains("the header vary"), "{value}");
        }
    }
}
