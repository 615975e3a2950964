//! `ipc-channel`: bytes over a Unix socket, long ones in pieces; what Servo is made of.

use std::sync::Mutex;

use ::ipc_channel::TryRecvError;
use ::ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, bytes_channel};

use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

/// The peer.
pub struct IpcChannel;

/// Both ends. The worker that receives takes its end out of its own copy.
pub struct Setup {
    sender: IpcBytesSender,
    receiver: Mutex<Option<IpcBytesReceiver>>,
}

/// The end that sends.
pub struct Tx {
    sender: IpcBytesSender,
    buffer: Vec<u8>,
}

impl Peer for IpcChannel {
    const ABOUT: About = About {
        name: "ipc-channel",
        version: env!("VERSION_IPC_CHANNEL"),
        place: Place::Processes,
        many_to_many: false,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: None,
        note: "it has no try_send: a polling sender that finds the socket full sleeps",
    };
    type Setup = Setup;
    type Sender = Tx;
    type Receiver = IpcBytesReceiver;

    fn set_up(_spec: &Spec) -> Result<Setup, Unfit> {
        let ends = bytes_channel().map_err(|error| Unfit(format!("no channel: {error}")))?;
        Ok(Setup {
            sender: ends.0,
            receiver: Mutex::new(Some(ends.1)),
        })
    }

    fn sender(setup: &Setup, _index: usize) -> Result<Tx, Unfit> {
        Ok(Tx {
            sender: setup.sender.clone(),
            buffer: Vec::new(),
        })
    }

    fn receiver(setup: &Setup, _index: usize) -> Result<IpcBytesReceiver, Unfit> {
        let mut receiver = setup.receiver.lock().expect("nobody panics with it");
        let receiver = receiver.take();
        receiver.ok_or_else(|| Unfit("a channel has one receiver".into()))
    }
}

impl Sender for Tx {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.send(payload);
        true
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        self.sender.send(payload).expect("the receiver is there");
    }

    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        self.buffer.resize(length, 0);
        fill(&mut self.buffer);
        self.sender
            .send(&self.buffer)
            .expect("the receiver is there");
        true
    }
}

impl Receiver for IpcBytesReceiver {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match self.try_recv() {
            Ok(payload) => {
                read(&payload);
                true
            }
            Err(TryRecvError::Empty) => false,
            Err(error) => panic!("the channel is broken: {error}"),
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let payload = self.recv().expect("the senders are there");
        buffer[..payload.len()].copy_from_slice(&payload);
        payload.len()
    }
}
