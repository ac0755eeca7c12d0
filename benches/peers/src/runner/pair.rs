//! A client and its server.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::process::Process;
use super::site::Site;
use crate::order::{Job, Order, Sample, Setup};

/// Both run until the value ends.
#[derive(Debug)]
pub(super) struct Pair {
    server: Process,
    pub(super) client: Process,
}

/// Both processes at one moment.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) server: Sample,
    pub(super) client: Sample,
}

impl Pair {
    /// At the ends of this site; on the cores of server and client, if they are named.
    pub(super) fn start(
        program: &Path,
        stack: &str,
        setup: &Setup,
        job: Job,
        site: &Site,
        pin: Option<[usize; 2]>,
    ) -> Result<Self> {
        let [here, there] = site.spots()?;
        let mut order = Order {
            stack: stack.to_owned(),
            setup: Setup { at: there.address, ..setup.clone() },
            job,
            target: None,
            core: pin.map(|[server, _]| server),
        };
        let server = Process::start(program, &order, there.namespace)?;
        order.target = Some(server.listening()?);
        order.core = pin.map(|[_, client]| client);
        order.setup.at = here.address;
        let client = Process::start(program, &order, here.namespace)?;
        Ok(Self { server, client })
    }

    /// What both have used and got until now.
    pub(super) fn read(&mut self) -> Result<Reading> {
        let server = self.server.sample()?;
        let at = Instant::now();
        Ok(Reading { at, server, client: self.client.sample()? })
    }
}
