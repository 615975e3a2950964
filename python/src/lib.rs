//! The extension module `ringpost._ringpost`: what the Python package needs to be fast in.

mod batch;
mod bell;
mod channel;
mod connection;
mod engine;
mod errors;
mod fork;
mod held;
mod item;
mod leased;
mod lend;
mod loan;
mod message;
mod overflow;
mod page;
mod pickler;
mod plain;
mod received;
mod room;
mod stats;
mod tasks;
mod traffic;
mod waiting;
mod wire;

#[pyo3::pymodule]
mod _ringpost {
    #[pymodule_export]
    use crate::channel::Channel;
    #[pymodule_export]
    use crate::connection::{Connection, connection_from_fds, pipe};
    #[pymodule_export]
    use crate::fork::after_fork_in_child;
    #[pymodule_export]
    use crate::held::Held;
    #[pymodule_export]
    use crate::leased::Leased;
    #[pymodule_export]
    use crate::loan::Loan;
    #[pymodule_export]
    use crate::overflow::join_overflows;
    #[pymodule_export]
    use crate::room::Room;
}
