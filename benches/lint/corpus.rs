//! Unit files to be linted: the same ones each time, most of them right, some of them wrong.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How many files a folder has, as a repository has one for each host or role.
const FOLDER: u32 = 200;

/// One kind of file: its name and its text, `{n}` the number of its group.
struct Kind {
    name: &'static str,
    text: &'static str,
}

/// A group of files that belong together.
const KINDS: [Kind; 20] = [
    Kind {
        name: "backup{n}.service",
        text: "[Unit]\nDescription=Backup {n}\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=oneshot\nTimeoutStartSec=4h\nUser=backup\nNice=10\nIOSchedulingClass=idle\nEnvironment=TARGET=/srv/backups/{n} KEEP=14\nExecStartPre=/usr/bin/test -d ${TARGET}\nExecStart=/usr/local/bin/backup --keep ${KEEP} \\\n  --exclude '*.tmp' --exclude \"lost+found\" \\\n  ${TARGET}\nSuccessExitStatus=75\nNoNewPrivileges=true\nProtectSystem=full\nPrivateTmp=true\n",
    },
    Kind {
        name: "backup{n}.timer",
        text: "[Unit]\nDescription=Timer of backup {n}\n\n[Timer]\nOnCalendar=*-*-* 02:30:00\nRandomizedDelaySec=15min\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
    },
    Kind {
        name: "web{n}@.service",
        text: "# One worker of site {n}.\n[Unit]\nDescription=Worker %i of site {n}\nAfter=network.target db{n}.service\nRequires=db{n}.service\nPartOf=site{n}.target\n\n[Service]\nType=notify\nWorkingDirectory=/srv/site{n}\nUser=www-data\nGroup=www-data\nExecStart=/usr/bin/worker --port 80%i --config /etc/site{n}/%i.toml\nExecReload=/bin/kill -HUP $MAINPID\nRestart=on-failure\nRestartSec=5s\nLimitNOFILE=65536\nMemoryMax=512M\n\n[Install]\nWantedBy=site{n}.target\n",
    },
    Kind { name: "web{n}@.service.d/10-limits.conf", text: "[Service]\nMemoryMax=1G\nTasksMax=512\nCPUQuota=150%\n" },
    Kind {
        name: "db{n}.service",
        text: "[Unit]\nDescription=Database {n}\nDocumentation=man:postgres(1) https://www.postgresql.org/docs/\nAfter=network.target srv-db{n}.mount\nRequiresMountsFor=/srv/db{n}\n\n[Service]\nType=forking\nPIDFile=/run/db{n}.pid\nUser=postgres\nEnvironment=\"PGDATA=/srv/db{n}/main\" LANG=C.UTF-8\nExecStart=/usr/bin/pg_ctl start -D ${PGDATA} -s -w -t 300\nExecStop=/usr/bin/pg_ctl stop -D ${PGDATA} -s -m fast\nExecReload=/usr/bin/pg_ctl reload -D ${PGDATA} -s\nTimeoutSec=300\nOOMScoreAdjust=-900\nKillMode=mixed\n\n[Install]\nWantedBy=multi-user.target\n",
    },
    Kind {
        name: "site{n}.target",
        text: "[Unit]\nDescription=Site {n}\nWants=web{n}@1.service web{n}@2.service\nAfter=db{n}.service\n\n[Install]\nWantedBy=multi-user.target\n",
    },
    Kind {
        name: "api{n}.socket",
        text: "[Unit]\nDescription=Socket of API {n}\n\n[Socket]\nListenStream=/run/api{n}.sock\nSocketMode=0660\nSocketUser=www-data\n\n[Install]\nWantedBy=sockets.target\n",
    },
    Kind {
        name: "api{n}.service",
        text: "[Unit]\nDescription=API {n}\nRequires=api{n}.socket\nAfter=api{n}.socket\n\n[Service]\nExecStart=/usr/bin/api --fd 3\nDynamicUser=yes\nStateDirectory=api{n}\nProtectHome=true\nSystemCallFilter=@system-service\n",
    },
    Kind {
        name: "inbox{n}.path",
        text: "[Unit]\nDescription=Inbox {n}\n\n[Path]\nDirectoryNotEmpty=/var/spool/inbox{n}\nMakeDirectory=true\n\n[Install]\nWantedBy=paths.target\n",
    },
    Kind {
        name: "inbox{n}.service",
        text: "[Unit]\nDescription=Empties inbox {n}\n\n[Service]\nType=oneshot\nTimeoutStartSec=10min\nExecStart=/bin/bash -c 'set -o pipefail; find /var/spool/inbox{n} -type f -print0 | xargs -0 -r /usr/bin/import'\n",
    },
    Kind {
        name: "srv-db{n}.mount",
        text: "[Unit]\nDescription=Disk of database {n}\n\n[Mount]\nWhat=/dev/disk/by-label/db{n}\nWhere=/srv/db{n}\nType=ext4\nOptions=noatime\n\n[Install]\nWantedBy=local-fs.target\n",
    },
    Kind {
        name: "report{n}.timer",
        text: "[Unit]\nDescription=Report {n}\n\n[Timer]\nOnCalendar=Mon..Fri 08:00 Europe/Berlin\nUnit=report{n}.service\nAccuracySec=1min\n\n[Install]\nWantedBy=timers.target\n",
    },
    Kind {
        name: "report{n}.service",
        text: "[Unit]\nDescription=Report {n}\n\n[Service]\nType=oneshot\nTimeoutStartSec=30min\nExecStart=/usr/bin/report --out /var/lib/reports/{n} --title \"Week's numbers\"\nEnvironmentFile=-/etc/default/report{n}\n",
    },
    Kind {
        name: "agent{n}.service",
        text: "[Unit]\nDescription=Agent {n}\nStartLimitIntervalSec=300\nStartLimitBurst=5\n\n[Service]\nType=exec\nExecStart=/usr/bin/agent run --id {n}\nRestart=always\nRestartSec=10\nAmbientCapabilities=CAP_NET_ADMIN\nCapabilityBoundingSet=CAP_NET_ADMIN\nDeviceAllow=/dev/net/tun rw\n\n[Install]\nWantedBy=multi-user.target\n",
    },
    Kind {
        name: "cleanup{n}.timer",
        text: "[Unit]\nDescription=Cleanup {n}\n\n[Timer]\nOnBootSec=15min\nOnUnitActiveSec=1d\n\n[Install]\nWantedBy=timers.target\n",
    },
    Kind {
        name: "cleanup{n}.service",
        text: "[Unit]\nDescription=Cleanup {n}\n\n[Service]\nType=oneshot\nTimeoutStartSec=1h\nExecStart=/usr/bin/find /var/tmp/job{n} -mtime +7 -delete\n",
    },
    // From here on with faults.
    Kind { name: "sync{n}.timer", text: "[Timer]\nOnUnitActiveSec=4h\nPersistent=true\n" },
    Kind {
        name: "sync{n}.service",
        text: "[Unit]\nDescription=Sync {n}\nRequires=db{n}.service\n\n[Service]\nType=oneshot\nEnvironment=STAMP=$(date +%Y-%m-%d)\nExecStart=/usr/bin/rclone sync /srv/data{n} remote:{n} --password=hunter2\nWatchdogSec=30s\n",
    },
    Kind {
        name: "wiki{n}@.service",
        text: "[Unit]\nDescription=Wiki {n}\nRequires=docker.service\nAfter=docker.service\n\n[Service]\nEnvironmentFile=/etc/environment\nExecStartPre=-/usr/bin/docker kill wiki%i\nExecStart=/bin/sh -c 'docker run --rm --name wiki%i -p 80%i:80 \\\n  -v /srv/wiki%i:/data wiki | tee /var/log/wiki%i.log'\nTimeoutSec=5 minuts\n\n[X-Fleet]\nMachineMetadata=role=wiki\nConflicts=wiki{n}@*.service\n",
    },
    Kind {
        name: "old{n}.service",
        text: "[Unit]\nDescriptoin=Old {n}\n\n[Service]\nExecStart=old --daemon\nMemoryLimit=64MB\nRestart=sometimes\n[Instal]\nWantedBy=multi-user.target\n",
    },
];

/// Writes so many files, and says how many bytes they have together.
pub fn write(root: &Path, files: u32) -> u64 {
    (0..files).map(|number| put(root, number).1).sum()
}

/// Writes so many files and gives the units among them, without their drop-ins.
pub fn sample(root: &Path, files: u32) -> Vec<PathBuf> {
    let paths = (0..files).map(|number| put(root, number).0);
    paths.filter(|path| path.extension().is_some_and(|it| it != "conf")).collect()
}

fn put(root: &Path, number: u32) -> (PathBuf, u64) {
    let kinds = u32::try_from(KINDS.len()).unwrap();
    let kind = KINDS.get((number % kinds) as usize).unwrap();
    let group = (number / kinds).to_string();
    let mut folder = String::new();
    if let Some(place) = (number / FOLDER).checked_sub(1) {
        write!(folder, "role{place:04}").unwrap();
    }
    let path = root.join(folder).join(kind.name.replace("{n}", &group));
    let text = kind.text.replace("{n}", &group);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &text).unwrap();
    (path, text.len() as u64)
}
