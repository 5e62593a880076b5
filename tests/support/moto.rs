//! moto: an S3 server that knows locks, storage classes, keys of the key management service and temporary keys. What it
//! stored is asked of it by boto3, AWS's own client, which comes with it.
//!
//! It looks at signatures where it is told to, and then takes none of a request with `/` in its query, boto3's included:
//! so most tests let it take any. That ours are right is shown by s3s-fs and rclone.

use std::path::PathBuf;
use std::process::Command;

use super::guard::Guard;
use super::{free_port, listens, need_program, output_of, temp_dir};

/// How many requests are let in without a signature: what [`KEYS`] asks of IAM and STS.
const UNSIGNED: &str = "INITIAL_NO_AUTH_ACTION_COUNT=6";

/// What every script begins with: `client(service, keys…)`, and the words of the command line as `words`.
const HEAD: &str = r"
import boto3, datetime, json, sys
from botocore.config import Config
url, words = sys.argv[1], sys.argv[2:]
def client(service, key='none', secret='none', token=None):
    return boto3.client(service, endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, region_name='us-east-1', config=Config(s3={'addressing_style': 'path'}))
";

/// Makes keys, and moto look at signatures from then on.
const KEYS: &str = r"
iam, anything = client('iam'), json.dumps({'Version': '2012-10-17', 'Statement':
    [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]})
iam.create_user(UserName='user')
iam.put_user_policy(UserName='user', PolicyName='all', PolicyDocument=anything)
key = iam.create_access_key(UserName='user')['AccessKey']
role = iam.create_role(RoleName='role', AssumeRolePolicyDocument=anything)['Role']
iam.put_role_policy(RoleName='role', PolicyName='all', PolicyDocument=anything)
temporary = client('sts').assume_role(RoleArn=role['Arn'], RoleSessionName='session')['Credentials']
print(key['AccessKeyId'], key['SecretAccessKey'])
print(temporary['AccessKeyId'], temporary['SecretAccessKey'], temporary['SessionToken'])
";

const BUCKETS: &str = r"
s3.create_bucket(Bucket='locked-box', ObjectLockEnabledForBucket=True)
s3.create_bucket(Bucket='plain-box')
";

/// A key, its secret, and the token of a temporary one.
#[derive(Debug, Clone)]
pub struct Key {
    pub access: String,
    pub secret: String,
    pub token: Option<String>,
}

/// moto's server with two buckets.
#[derive(Debug)]
pub struct Moto {
    _guard: Guard,
    python: PathBuf,
    port: u16,
    /// Of the one user; any other does, too, where signatures are not looked at.
    pub key: Key,
    /// What is good for an hour; there where signatures are looked at.
    pub temporary: Option<Key>,
}

impl Moto {
    /// A bucket that was made with Object Lock, and so has versions.
    pub const LOCKED: &'static str = "locked-box";
    /// One that was not.
    pub const PLAIN: &'static str = "plain-box";

    /// Whatever the signatures.
    pub fn start() -> Option<Self> {
        let moto = Self::serve("IGNORED=")?;
        moto.ask(BUCKETS, &[]);
        Some(moto)
    }

    /// With keys of its own making, at whose signatures it looks.
    pub fn start_strict() -> Option<Self> {
        let mut moto = Self::serve(UNSIGNED)?;
        let keys = moto.script(KEYS, &[]);
        let mut keys = keys.lines().map(key_of);
        (moto.key, moto.temporary) = (keys.next().unwrap(), keys.next());
        moto.ask(BUCKETS, &[]);
        Some(moto)
    }

    fn serve(variable: &str) -> Option<Self> {
        let python = need_program("moto-python", "`tests/install s3-more` installs it")?;
        let (dir, port) = (temp_dir().keep(), free_port());
        let words = ["env", variable, python.to_str().unwrap(), "-m", "moto.server", "-H", "127.0.0.1", "-p"];
        let port_text = port.to_string();
        let guard = Guard::serve(dir, ":", &words.into_iter().chain([port_text.as_str()]).collect::<Vec<_>>());
        guard.wait_ready("moto", || listens(port));
        Some(Self { _guard: guard, python, port, key: key_of("any any"), temporary: None })
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a script of boto3's prints, with `s3` as the client of the key.
    pub fn ask(&self, script: &str, words: &[&str]) -> String {
        let Key { access, secret, token: _ } = &self.key;
        self.script(&format!("s3 = client('s3', '{access}', '{secret}')\n{script}"), words)
    }

    fn script(&self, script: &str, words: &[&str]) -> String {
        let whole = format!("{HEAD}{script}");
        output_of(Command::new(&self.python).args(["-c", &whole, &self.endpoint()]).args(words))
    }
}

fn key_of(line: &str) -> Key {
    let mut words = line.split_whitespace().map(ToOwned::to_owned);
    Key { access: words.next().unwrap_or_default(), secret: words.next().unwrap_or_default(), token: words.next() }
}
