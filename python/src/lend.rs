//! Lending a queue's memory to Python, and putting what was written there.

use crate::engine::Engine;
use crate::errors;
use crate::item::PAGE;
use crate::loan::Loan;
use crate::pickler::{Lent, Payload};
use crate::waiting::{Wait, detached};
use pyo3::prelude::*;
use ringpost::PutError;
use std::time::{Duration, Instant};

/// The longest wait between two tries of a commit.
const MOMENT: Duration = Duration::from_millis(50);

impl Engine {
    /// Room for so many bytes, and for what comes before them. `None`: an unbounded queue has none, and does not wait.
    pub(crate) fn lend(&self, py: Python<'_>, bytes: usize, wait: Wait) -> PyResult<Option<Loan>> {
        let length = bytes.saturating_add(PAGE);
        let lent = match self.queue.try_loan(length) {
            Err(error) if error.is_shortage() && self.unbounded => return Ok(None),
            Err(error)
                if error.is_shortage()
                    && let Wait::Until(deadline) = wait =>
            {
                detached(py, |asked| {
                    self.queue.loan_interruptible(length, deadline, asked)
                })?
            }
            other => other,
        };
        let loan = lent.map_err(|error| errors::of_put(py, &error))?;
        Ok(Some(Loan::new(&self.queue, loan, &self.loans)))
    }

    /// Puts an array that lies in a loan, and makes the sender's read-only. If it fails, the loan is as it was.
    pub(crate) fn hand_over(
        &self,
        py: Python<'_>,
        payload: &Payload<'_>,
        lent: &Lent<'_>,
        wait: Wait,
    ) -> PyResult<()> {
        let mut loan = lent.loan.get().take()?;
        loan[..PAGE].copy_from_slice(&lent.head);
        while self.overflowing().is_none() || self.queue.is_shutdown() {
            let error;
            (loan, error) = match loan.try_commit() {
                Ok(()) => return lent.close(),
                Err(back) => back,
            };
            if self.unbounded && error.is_shortage() {
                break;
            }
            if let Err(error) = self.wait_for_a_slot(py, &error, wait) {
                lent.loan.get().put_back(loan);
                return Err(error);
            }
        }
        // What waits in this process is a copy, since the loan is needed for what comes before it.
        if let Err(error) = payload.with_parts(|parts, align| self.spill(py, parts, align)) {
            lent.loan.get().put_back(loan);
            return Err(error);
        }
        drop(loan);
        lent.close()
    }

    /// After such an error of a commit: waits, if that can help, and for a moment only, since the wait is for more than a
    /// commit needs.
    fn wait_for_a_slot(&self, py: Python<'_>, error: &PutError, wait: Wait) -> PyResult<()> {
        let Wait::Until(deadline) = wait else {
            return Err(errors::of_put(py, error));
        };
        if !error.is_shortage() {
            return Err(errors::of_put(py, error));
        }
        let moment = Instant::now() + MOMENT;
        let until = deadline.map_or(moment, |deadline| deadline.min(moment));
        let waited = detached(py, |asked| self.queue.wait_for_room(0, Some(until), asked))?;
        match waited {
            Err(PutError::TimedOut(_)) if deadline.is_none_or(|end| Instant::now() < end) => Ok(()),
            other => other.map_err(|error| errors::of_put(py, &error)),
        }
    }
}
