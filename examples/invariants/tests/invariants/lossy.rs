//! A bad way to a server.
//!
//! Owns [`lossy`]: everything asked arrives, and now and then an answer is lost together with the connection,
//! so that the client cannot know what became of what it asked.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How much a client may ask over one connection: a few calls.
const ASKED_BYTES_MAX: usize = 3 << 10;

/// An endpoint that leads to the server at an address. It lasts as long as the test's runtime.
pub(crate) async fn lossy(server: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = server.to_owned();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(carry(client, server));
        }
    });
    endpoint
}

/// Carries bytes both ways. When enough was asked, the next answer is lost, and both sides hang up.
async fn carry(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
    let (mut question, mut answer) = ([0; 16 << 10], [0; 16 << 10]);
    let mut asked = 0;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    loop {
        tokio::select! {
            bytes = client.read(&mut question) => match bytes? {
                0 => return Ok(()),
                bytes => {
                    server.write_all(&question[..bytes]).await?;
                    asked += bytes;
                }
            },
            bytes = server.read(&mut answer) => match bytes? {
                0 => return Ok(()),
                _ if asked > ASKED_BYTES_MAX => return Ok(()),
                bytes => client.write_all(&answer[..bytes]).await?,
            },
        }
    }
}
