//! Bad files, names, sizes and permissions: each is an error of its own that names what was found and what was expected, and
//! leaves everything as it was.

#[path = "../common/mod.rs"]
mod common;

mod claimed;
mod corrupt;
mod damage;
mod doctor;
mod files;
mod header;
mod left_overs;
mod names;
mod policy;
mod positions;
mod refusal;
mod segment_file;
mod space;
mod unprivileged;

/// What a child can be asked to do.
const ROLES: &[&[common::child::Role]] = &[left_overs::ROLES, space::ROLES, unprivileged::ROLES];
