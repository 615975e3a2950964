//! The queue between real processes: this program starts itself again in the roles that its files list.

#[path = "../common/mod.rs"]
mod common;

mod actors;
mod creation;
mod daemons;
mod deaths;
mod descriptors;
mod endings;
mod flow;
mod forks;
mod inherited;
mod leases;
mod namespaces;
mod payloads;
mod quarantine;
mod retries;
mod sandboxes;
mod waiting;

/// What a child can be asked to do.
const ROLES: &[&[common::child::Role]] = &[
    actors::ROLES,
    creation::ROLES,
    daemons::ROLES,
    descriptors::ROLES,
    flow::ROLES,
    forks::ROLES,
    inherited::ROLES,
    leases::ROLES,
    endings::ROLES,
    namespaces::ROLES,
    payloads::ROLES,
    quarantine::ROLES,
    sandboxes::ROLES,
    waiting::ROLES,
];
