//! `iceoryx2`: publish and subscribe over loaned memory, polled; events for those who sleep.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use ::iceoryx2::config::Config;
use ::iceoryx2::node::{Node, NodeBuilder};
use ::iceoryx2::port::listener::{Listener, ListenerWaitError};
use ::iceoryx2::port::notifier::Notifier;
use ::iceoryx2::port::publisher::Publisher;
use ::iceoryx2::port::subscriber::Subscriber;
use ::iceoryx2::port::{BackpressureAction, BackpressureInfo, SendError};
use ::iceoryx2::prelude::{FileName, Path, SemanticString, ServiceName, SignalHandlingMode, ipc};
use ::iceoryx2::service::port_factory::{event, publish_subscribe};

use crate::waiting::until;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit, Waiting};

type Bytes = publish_subscribe::PortFactory<ipc::Service, [u8], ()>;
type Events = event::PortFactory<ipc::Service>;

/// A payload this long is not written in vain: a sender that polls stays in the library's call for so many of its retries.
const LONG: usize = 4096;
const RETRIES: u64 = 64;

/// The peer.
pub struct Iceoryx2;

/// A configuration that keeps everything of this queue under names of its own: whatever dead workers leave can be found.
/// The workers make all else.
pub struct Setup {
    config: Config,
    root: PathBuf,
    prefix: String,
    spec: Spec,
}

/// The end that sends.
pub struct Tx {
    publisher: Publisher<ipc::Service, [u8], ()>,
    events: Option<Notifier<ipc::Service>>,
    /// Whether a full queue is to be waited for.
    waits: Arc<AtomicBool>,
    _node: Node<ipc::Service>,
}

/// The end that receives.
pub struct Rx {
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    events: Option<Listener<ipc::Service>>,
    _node: Node<ipc::Service>,
}

impl Peer for Iceoryx2 {
    const ABOUT: About = About {
        name: "iceoryx2",
        version: env!("VERSION_ICEORYX2"),
        place: Place::Processes,
        many_to_many: false,
        polls: true,
        blocks: true,
        in_place: true,
        batches: false,
        claims_before_writing: false,
        locks: false,
        longest: None,
        note: "publish and subscribe, where every subscriber gets everything: not a work queue; blocking is an event after each item; from 4 KiB on a refused send has waited for up to 64 of its retries",
    };
    type Setup = Setup;
    type Sender = Tx;
    type Receiver = Rx;

    fn set_up(spec: &Spec) -> Result<Setup, Unfit> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", process::id(), MADE.fetch_add(1, Relaxed));
        let root = std::env::temp_dir().join(format!("ringpost-peers-{name}"));
        let prefix = format!("ringpost_{name}_");
        let mut config = Config::default();
        let path = root.to_string_lossy();
        config
            .global
            .set_root_path(&Path::new(path.as_bytes()).map_err(unfit)?);
        config.global.prefix = FileName::new(prefix.as_bytes()).map_err(unfit)?;
        Ok(Setup {
            config,
            root,
            prefix,
            spec: *spec,
        })
    }

    fn sender(setup: &Setup, _index: usize) -> Result<Tx, Unfit> {
        let (node, bytes, events) = setup.open()?;
        let waits = Arc::new(AtomicBool::new(false));
        let retries = match setup.spec.payload >= LONG {
            true => RETRIES,
            false => 0,
        };
        let handler = {
            let waits = Arc::clone(&waits);
            move |info: &BackpressureInfo| {
                if waits.load(Relaxed) || info.retries < retries {
                    BackpressureAction::Retry
                } else {
                    BackpressureAction::DiscardData
                }
            }
        };
        let publisher = bytes
            .publisher_builder()
            .initial_max_slice_len(setup.spec.payload.max(1))
            .max_loaned_samples(1)
            .set_backpressure_handler(handler)
            .create();
        let events = events.map(|events| events.notifier_builder().create());
        Ok(Tx {
            publisher: publisher.map_err(unfit)?,
            events: events.transpose().map_err(unfit)?,
            waits,
            _node: node,
        })
    }

    fn receiver(setup: &Setup, _index: usize) -> Result<Rx, Unfit> {
        let (node, bytes, events) = setup.open()?;
        let subscriber = bytes
            .subscriber_builder()
            .buffer_size(setup.spec.depth)
            .create();
        let events = events.map(|events| events.listener_builder().create());
        Ok(Rx {
            subscriber: subscriber.map_err(unfit)?,
            events: events.transpose().map_err(unfit)?,
            _node: node,
        })
    }
}

fn unfit(error: impl std::fmt::Debug) -> Unfit {
    Unfit(format!("iceoryx2: {error:?}"))
}

impl Setup {
    /// A node, the service for the payloads, and the one for the events if somebody sleeps.
    fn open(&self) -> Result<(Node<ipc::Service>, Bytes, Option<Events>), Unfit> {
        let node = NodeBuilder::new()
            .config(&self.config)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()
            .map_err(unfit)?;
        let name = ServiceName::new("ringpost/peers").map_err(unfit)?;
        let participants = self.spec.senders + self.spec.receivers;
        let bytes = node
            .service_builder(&name)
            .publish_subscribe::<[u8]>()
            .enable_safe_overflow(false)
            .history_size(0)
            .subscriber_max_buffer_size(self.spec.depth)
            .subscriber_max_borrowed_samples(1)
            .max_publishers(self.spec.senders)
            .max_subscribers(self.spec.receivers)
            .max_nodes(participants)
            .open_or_create()
            .map_err(unfit)?;
        let events = match self.spec.waiting {
            Waiting::Spinning => None,
            Waiting::Blocking => {
                let service = node.service_builder(&name).event().max_nodes(participants);
                Some(service.open_or_create().map_err(unfit)?)
            }
        };
        Ok((node, bytes, events))
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        // The workers are gone. Those that were killed have left files, all of which have our names.
        let _ = fs::remove_dir_all(&self.root);
        for file in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            let name = file.file_name();
            if name.to_string_lossy().starts_with(&self.prefix) {
                let _ = fs::remove_file(file.path());
            }
        }
    }
}

impl Tx {
    /// Whether it reached a subscriber.
    #[inline]
    fn put(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        let mut sample = match self.publisher.loan_slice_uninit(length) {
            Ok(sample) => sample,
            Err(error) => panic!("no memory is lent: {error:?}"),
        };
        let memory = sample.payload_mut();
        // SAFETY: shared memory, which the kernel has zeroed: any bytes are valid ones.
        let bytes = unsafe { memory.assume_init_mut() };
        fill(bytes);
        // SAFETY: as above.
        let sample = unsafe { sample.assume_init() };
        let reached = match sample.send() {
            Ok(reached) => reached,
            // A signal has ended the library's own waiting: the sample is not sent.
            Err(SendError::InternalError) => 0,
            Err(error) => panic!("it cannot be sent: {error:?}"),
        };
        if reached > 0
            && let Some(events) = &self.events
        {
            events.notify().expect("the listener is there");
        }
        reached > 0
    }
}

impl Sender for Tx {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.put(payload.len(), |memory| memory.copy_from_slice(payload))
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        self.waits.store(true, Relaxed);
        // Nobody is reached as long as there is no subscriber.
        until(|| self.try_send(payload));
        self.waits.store(false, Relaxed);
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, fill: impl FnMut(&mut [u8])) -> bool {
        self.put(length, fill)
    }
}

impl Receiver for Rx {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        match self.subscriber.receive().expect("the publisher is there") {
            Some(sample) => {
                read(sample.payload());
                true
            }
            None => false,
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        loop {
            if let Some(length) = self.try_receive_copy(buffer) {
                return length;
            }
            let events = self.events.as_ref().expect("made for those who sleep");
            match events.blocking_wait(|_| {}) {
                Ok(_) | Err(ListenerWaitError::InterruptSignal) => {}
                Err(error) => panic!("it does not wait: {error:?}"),
            }
        }
    }
}
