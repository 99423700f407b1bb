//! Single requests of the driver itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;

/// Sends a POST on a connection of its own. Returns the status and what follows the head.
pub(crate) fn post(address: &str, path: &str, body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, rest) = answer.split_once("\r\n\r\n").context("no head in the answer")?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
    Ok((status, rest.to_owned()))
}

/// Sends a stored response and returns its id.
pub(crate) fn stored_response(address: &str, body: &str) -> anyhow::Result<String> {
    let (status, answer) = post(address, "/v1/responses", body)?;
    anyhow::ensure!(status == 200, "cannot store a response: {status} {answer}");
    let start = answer.find(r#""id":"resp_"#).context("a response without an id")? + 6;
    let id: String = answer[start..].chars().take_while(|letter| *letter != '"').collect();
    Ok(id)
}
