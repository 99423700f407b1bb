//! A model server that answers from a script, on a thread of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes bytes.
    Send(String),
    /// Does nothing for so long.
    Pause(Duration),
    /// Keeps the connection open until the client leaves.
    Hold,
}

/// The steps for one request; the connection is closed after them unless another request may follow on it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) steps: Vec<Step>,
    pub(crate) keep_alive: bool,
}

pub(crate) struct Server {
    pub(crate) base_url: String,
    requests: Arc<Mutex<Vec<String>>>,
    left: Arc<Mutex<usize>>,
}

impl Server {
    /// Answers requests in their order; after the last reply connections are refused.
    pub(crate) fn new(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let (requests, left) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (seen, gone) = (Arc::clone(&requests), Arc::clone(&left));
        thread::spawn(move || {
            let mut replies = replies.into_iter().peekable();
            while replies.peek().is_some() {
                let Ok((mut stream, _)) = listener.accept() else { return };
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                while let Some(request) = read_request(&mut stream) {
                    seen.lock().push(request);
                    let Some(reply) = replies.next() else { break };
                    if !play(&mut stream, &reply.steps) {
                        *gone.lock() += 1;
                        break;
                    }
                    if !reply.keep_alive {
                        break;
                    }
                }
            }
        });
        Self { base_url, requests, left }
    }

    /// Heads and bodies so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().clone()
    }

    /// How many clients left while the server held the connection.
    pub(crate) fn left(&self) -> usize {
        *self.left.lock()
    }
}

impl Reply {
    /// A whole answer with a length.
    pub(crate) fn of(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
        );
        Self { steps: vec![Step::Send(text)], keep_alive: false }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::of(status, "content-type: application/json\r\n", body)
    }

    /// The head of a stream that ends with the connection.
    pub(crate) fn stream() -> Self {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_owned();
        Self { steps: vec![Step::Send(head)], keep_alive: false }
    }

    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(crate) fn data(self, data: &str) -> Self {
        self.then(Step::Send(format!("data: {data}\n\n")))
    }

    pub(crate) fn pause(self, ms: u64) -> Self {
        self.then(Step::Pause(Duration::from_millis(ms)))
    }
}

/// False if the client left while the connection was held.
fn play(stream: &mut TcpStream, steps: &[Step]) -> bool {
    for step in steps {
        match step {
            Step::Send(text) => {
                if stream.write_all(text.as_bytes()).is_err() {
                    return false;
                }
            }
            Step::Pause(pause) => thread::sleep(*pause),
            Step::Hold => return !matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_)),
        }
    }
    true
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
    }
}
