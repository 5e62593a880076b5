//! `[X-Fleet]`, as fleet reads, refuses and schedules it (fleet v1.0.0, `job/job.go`, `api/units.go`, `agent/state.go`).
