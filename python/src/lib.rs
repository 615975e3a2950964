//! The extension module `ringpost._ringpost`: what the Python package needs to be fast in.

mod batch;
mod channel;
mod engine;
mod errors;
mod fork;
mod held;
mod item;
mod leased;
mod lend;
mod loan;
mod overflow;
mod pickler;
mod plain;
mod room;
mod stats;
mod tasks;
mod waiting;

#[pyo3::pymodule]
mod _ringpost {
    #[pymodule_export]
    use crate::channel::Channel;
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
