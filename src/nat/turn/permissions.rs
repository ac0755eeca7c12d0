//! IP addresses whose packets the relay lets in (RFC 8656 §9).

use std::net::IpAddr;

use crate::base::Instant;
use crate::base::limits::{TURN_MARGIN, TURN_PERMISSION_LIFETIME, TURN_PERMISSIONS};
use crate::base::time::earliest;

#[derive(Debug)]
struct Permission {
    ip: IpAddr,
    /// It holds until then; `None` until the relay has agreed.
    until: Option<Instant>,
    /// When to ask again; `None` while a request is on its way.
    due: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Permissions(Vec<Permission>);

impl Permissions {
    fn get_mut(&mut self, ip: IpAddr) -> Option<&mut Permission> {
        self.0.iter_mut().find(|permission| permission.ip == ip)
    }

    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|permission| permission.ip == ip)
    }

    /// Whether the relay lets its packets in at the moment.
    pub(super) fn holds(&self, now: Instant, ip: IpAddr) -> bool {
        let holds = |permission: &Permission| permission.until.is_some_and(|until| now < until);
        self.0.iter().any(|permission| permission.ip == ip && holds(permission))
    }

    /// Adds one that is being asked for. Returns whether there was room.
    pub(super) fn add(&mut self, ip: IpAddr) -> bool {
        let room = self.0.len() < TURN_PERMISSIONS;
        if room {
            self.0.push(Permission { ip, until: None, due: None });
        }
        room
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, ip: IpAddr) -> bool {
        let before = self.0.len();
        self.0.retain(|permission| permission.ip != ip);
        self.0.len() < before
    }

    /// The relay has agreed. Returns whether that is news.
    pub(super) fn on_permitted(&mut self, now: Instant, ip: IpAddr) -> bool {
        let Some(permission) = self.get_mut(ip) else { return false };
        permission.due = Some(now + (TURN_PERMISSION_LIFETIME - TURN_MARGIN));
        permission.until.replace(now + TURN_PERMISSION_LIFETIME).is_none()
    }

    /// One to ask for again; it counts as asked for.
    pub(super) fn poll_due(&mut self, now: Instant) -> Option<IpAddr> {
        let is_due = |permission: &&mut Permission| permission.due.is_some_and(|due| due <= now);
        let permission = self.0.iter_mut().find(is_due)?;
        permission.due = None;
        Some(permission.ip)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.iter().map(|permission| permission.due).fold(None, earliest)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
