//! A way to a server that breaks: after so many bytes of a client both ends are reset, in the middle of what was
//! being said.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::life::Failure;
use crate::server::within;

/// The way.
#[derive(Debug)]
pub(crate) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    server: String,
}

impl Proxy {
    /// A way to this endpoint.
    pub(crate) async fn to(endpoint: &str) -> Result<Self, Failure> {
        let server = endpoint.trim_start_matches("http://").to_owned();
        let listened = async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address, server })
        };
        listened.await.map_err(|error: std::io::Error| vec![format!("no proxy: {error}")])
    }

    /// Where clients reach it.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes on what the next client sends until it is so many bytes, or nothing more comes, and resets both ends.
    pub(crate) async fn reset_next(&self, bytes: u64) -> Result<(), Failure> {
        let passed = within("a client of the proxy", self.pass(bytes)).await.map_err(|late| vec![late])?;
        passed.map_err(|error| vec![format!("the proxy: {error}")])
    }

    async fn pass(&self, bytes: u64) -> std::io::Result<()> {
        let (mut client, _) = self.listener.accept().await?;
        let mut server = TcpStream::connect(&self.server).await?;
        client.set_zero_linger()?;
        server.set_zero_linger()?;
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let there = async {
            let mut left = bytes;
            while left > 0 {
                let said = take(&mut from_client, left).await?;
                if said.is_empty() {
                    break;
                }
                left -= said.len() as u64;
                to_server.write_all(&said).await?;
            }
            Ok(())
        };
        tokio::select! {
            passed = there => passed,
            answered = tokio::io::copy(&mut from_server, &mut to_client) => answered.map(|_| ()),
        }
    }
}

/// The next bytes, at most so many.
async fn take(from: &mut (impl AsyncRead + Unpin), most: u64) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0; usize::try_from(most.min(4096)).expect("a small number")];
    let length = from.read(&mut buffer).await?;
    buffer.truncate(length);
    Ok(buffer)
}
