//! Runs the program in a directory of its own, with nothing of the tester's environment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a command came to.
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kluis"));
    command.current_dir(directory).args(arguments).env_clear().env("LANG", "C");
    command
}

pub fn run(directory: &Path, arguments: &[&str]) -> Outcome {
    run_with(directory, arguments, &[])
}

pub fn run_with(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = command(directory, arguments);
    command.envs(environment.iter().copied());
    let output = command.output().expect("the program starts");
    Outcome {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A server that is running; it is stopped with the test.
pub struct Running {
    child: Child,
    pub address: String,
    /// Everything that it printed until it was ready.
    pub said: String,
}

impl Running {
    /// Starts the program on a free port and waits until it answers.
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let listen = format!("server.listen={address}");
        let arguments = [arguments, &["--set", &listen]].concat();
        let mut command = command(directory, &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the program starts");
        let out = child.stdout.take().expect("its output");
        let lines = std::thread::spawn(move || {
            let mut said = String::new();
            let mut lines = BufReader::new(out).lines();
            while let Some(Ok(line)) = lines.next() {
                said.push_str(&line);
                said.push('\n');
                if line.contains("Ctrl-C") {
                    break;
                }
            }
            said
        });
        let mut running = Self { child, address, said: String::new() };
        let deadline = Instant::now() + Duration::from_secs(120);
        while running.get("/health/ready", None).is_none_or(|(status, _)| status != 200) {
            assert!(Instant::now() < deadline, "the server doesn't answer");
            assert!(running.child.try_wait().expect("its state").is_none(), "the server has ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        if arguments.contains(&"demo") {
            running.said = lines.join().expect("its output");
        }
        running
    }

    /// A server that was started in another way, and answers.
    pub fn of(child: Child, address: String) -> Self {
        Self { child, address, said: String::new() }
    }

    /// Status and body; `None` while nobody answers.
    pub fn get(&self, path: &str, token: Option<&str>) -> Option<(u16, String)> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n{token}connection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Tells it to stop, as a service manager does, and gives its exit code.
    pub fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status.code().expect("an exit code");
            }
            assert!(Instant::now() < deadline, "the server doesn't stop");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
