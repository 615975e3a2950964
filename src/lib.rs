//! ringpost
