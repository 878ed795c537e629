//! The server side of the preload library's ioctl socket: usbfs requests in, answers of a device out.

use std::fs;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::device::{Answer, Device, Setup};

type OnLoss = Box<dyn Fn() + Send + Sync>;

/// Serves one device node until closed.
pub(crate) struct IoctlSocket {
    path: PathBuf,
    device: Device,
    closed: Arc<AtomicBool>,
}

impl std::fmt::Debug for IoctlSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IoctlSocket").field("path", &self.path).finish_non_exhaustive()
    }
}

impl IoctlSocket {
    /// Calls `on_loss` when the device has left the bus in the middle of a request.
    pub(crate) fn serve(path: &Path, device: Device, on_loss: OnLoss) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        let closed = Arc::new(AtomicBool::new(false));
        let socket = IoctlSocket { path: path.to_owned(), device: device.clone(), closed: Arc::clone(&closed) };
        let on_loss: Arc<dyn Fn() + Send + Sync> = Arc::from(on_loss);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closed.load(Ordering::Acquire) {
                    break;
                }
                let (device, on_loss) = (device.clone(), Arc::clone(&on_loss));
                device.connection_opened();
                thread::spawn(move || {
                    // The only end of a connection is that the program closes it.
                    let _ =
                        Connection { stream, device: device.clone(), alt: 0, finished: Vec::new(), on_loss }.serve();
                    device.connection_closed();
                });
            }
        });
        socket
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Takes no further connections; those that are open go on, to a device that is no longer there.
    pub(crate) fn close(self) {
        self.closed.store(true, Ordering::Release);
        // Wakes the listener, so that it sees the mark.
        let _ = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
    }
}

struct Connection {
    stream: UnixStream,
    device: Device,
    alt: u32,
    /// Addresses of the URBs that are done and not yet collected.
    finished: Vec<u64>,
    on_loss: Arc<dyn Fn() + Send + Sync>,
}

// Message types of umockdev's ioctl protocol.
const IOCTL: u64 = 1;
const DONE: u64 = 3;
const READ_MEMORY: u64 = 5;
const WRITE_MEMORY: u64 = 6;

// usbfs requests as 64-bit programs number them, from linux/usbdevice_fs.h.
const GET_CAPABILITIES: u32 = 0x8004_551a;
const CLAIM_INTERFACE: u32 = 0x8004_550f;
const RELEASE_INTERFACE: u32 = 0x8004_5510;
const SET_INTERFACE: u32 = 0x8008_5504;
const RESET: u32 = 0x0000_5514;
const DISCONNECT_CLAIM: u32 = 0x8108_551b;
const SUBMIT_URB: u32 = 0x8038_550a;
const REAP_URB_NO_DELAY: u32 = 0x4008_550d;
const DISCARD_URB: u32 = 0x0000_550b;

const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const EAGAIN: i32 = 11;
const ENOTTY: i32 = 25;
const EPIPE: i32 = 32;

const URB_BYTES: u64 = 56;
const URB_TYPE_CONTROL: u8 = 2;

impl Connection {
    fn serve(mut self) -> Result<()> {
        loop {
            let [kind, request, argument] = self.receive()?;
            if kind != IOCTL {
                return Err(Error::new(ErrorKind::Unsupported, format!("message type {kind}")));
            }
            let lost_before = self.device.is_cut_off();
            let done = self.ioctl(request as u32, argument)?;
            match done {
                Ok(()) => self.send([DONE, 0, 0])?,
                Err(number) => self.send([DONE, u64::MAX, number as u64])?,
            }
            if self.device.is_cut_off() && !lost_before {
                (self.on_loss)();
            }
        }
    }

    /// The inner result is what the program's ioctl returns.
    fn ioctl(&mut self, request: u32, argument: u64) -> Result<std::result::Result<(), i32>> {
        const CAPABILITIES: u32 = 0x1f;
        if self.device.is_cut_off() && request != REAP_URB_NO_DELAY {
            return Ok(Err(ENODEV));
        }
        match request {
            GET_CAPABILITIES => self.write_memory(argument, &CAPABILITIES.to_ne_bytes())?,
            CLAIM_INTERFACE | RELEASE_INTERFACE | DISCONNECT_CLAIM => {}
            RESET => return Ok(taken(&self.device.reset())),
            SET_INTERFACE => {
                let words = self.read_memory(argument, 8)?;
                self.alt = u32::from_ne_bytes([words[4], words[5], words[6], words[7]]);
                return Ok(taken(&self.device.set_alternate()));
            }
            SUBMIT_URB => return self.submit(argument),
            REAP_URB_NO_DELAY => match self.finished.pop() {
                Some(urb) => self.write_memory(argument, &urb.to_ne_bytes())?,
                None if self.device.is_cut_off() => return Ok(Err(ENODEV)),
                // Every URB is done when it has been submitted, so that nobody asks without pause.
                None => return Ok(Err(EAGAIN)),
            },
            DISCARD_URB => return Ok(Err(EINVAL)),
            _ => return Ok(Err(ENOTTY)),
        }
        Ok(Ok(()))
    }

    fn submit(&mut self, address: u64) -> Result<std::result::Result<(), i32>> {
        let urb = self.read_memory(address, URB_BYTES)?;
        let word = |at: usize| u32::from_ne_bytes([urb[at], urb[at + 1], urb[at + 2], urb[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let (buffer, buffer_bytes) = (long(16), u64::from(word(24)));
        if urb[0] != URB_TYPE_CONTROL {
            return Ok(Err(EINVAL));
        }
        let transfer = self.read_memory(buffer, buffer_bytes)?;
        let Some((setup, data)) = transfer.split_first_chunk::<8>() else { return Ok(Err(EINVAL)) };
        let setup = Setup::read(setup);
        let (status, actual_bytes) = match self.device.control(self.alt, setup, data) {
            Answer::Data(mut answer) => {
                answer.truncate(data.len());
                self.write_memory(buffer + 8, &answer)?;
                (0, answer.len() as u32)
            }
            Answer::Taken => (0, u32::from(setup.length)),
            Answer::Stall => (-EPIPE, 0),
            Answer::Gone => (-ENODEV, 0),
        };
        self.write_memory(address + 4, &i32::to_ne_bytes(status))?;
        self.write_memory(address + 28, &actual_bytes.to_ne_bytes())?;
        self.finished.push(address);
        Ok(Ok(()))
    }

    fn receive(&mut self) -> Result<[u64; 3]> {
        let mut bytes = [0; 24];
        self.stream.read_exact(&mut bytes)?;
        let mut words = [0; 3];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(chunk.try_into().unwrap_or_default());
        }
        Ok(words)
    }

    /// In one write, because the other side takes it with one call.
    fn send(&mut self, words: [u64; 3]) -> Result<()> {
        self.stream.write_all(&words.map(u64::to_ne_bytes).concat())
    }

    fn read_memory(&mut self, address: u64, bytes: u64) -> Result<Vec<u8>> {
        const READ_BYTES_MAX: u64 = 64 * 1024;
        if bytes > READ_BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidData, format!("{bytes} bytes in one transfer")));
        }
        let mut memory = vec![0; bytes as usize];
        if bytes > 0 {
            self.send([READ_MEMORY, address, bytes])?;
            self.stream.read_exact(&mut memory)?;
        }
        Ok(memory)
    }

    fn write_memory(&mut self, address: u64, memory: &[u8]) -> Result<()> {
        if memory.is_empty() {
            return Ok(());
        }
        self.send([WRITE_MEMORY, address, memory.len() as u64])?;
        self.stream.write_all(memory)
    }
}

/// The answer to a request that brings no data, as an ioctl ends.
fn taken(answer: &Answer) -> std::result::Result<(), i32> {
    match answer {
        Answer::Data(_) | Answer::Taken => Ok(()),
        Answer::Stall => Err(EPIPE),
        Answer::Gone => Err(ENODEV),
    }
}
