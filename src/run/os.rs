//! The one module that asks the operating system: clock, host name, environment, processes, signals.
