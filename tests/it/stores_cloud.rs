//! Buckets and containers in the object storage of Azure and Google.
//!
//! What of the contract Azurite cannot show: that blocks of an upload that was put back go away, since Azure has no request
//! for that and drops them after a week; they are in no list. What of it nothing here can show for Google: that a wrong key
//! is refused, and that of two who give one name at once the second is (`x-goog-if-generation-match`), since no emulator
//! looks at either; `tests/support/cloud.rs` tells which has what.

use eightbells::run::store::{AzureOptions, AzurePass, BucketStore, GcsOptions, Ledger, Store, StoreErrorKind};

use crate::contract::{
    MIB, Uploads, begin, bytes, fill, get, keeps_its_promises, kind, names, put, survives_broken_connections,
};
use crate::support::cloud::{Azurite, XmlServer};

fn azure(azurite: &Azurite, container: &str, prefix: &str) -> AzureOptions {
    AzureOptions {
        destination: "d".into(),
        endpoint: Some(Azurite::endpoint(azurite.port())),
        account: Azurite::ACCOUNT.into(),
        container: container.into(),
        prefix: prefix.into(),
        pass: AzurePass::Key(azurite.key.clone().into()),
        ca_pem: None,
        allow_http: false,
        upload: None,
    }
}

fn open_azure(options: AzureOptions) -> BucketStore {
    BucketStore::azure(options, Ledger::default()).unwrap()
}

fn with_sas(options: AzureOptions, sas: &str) -> AzureOptions {
    AzureOptions { pass: AzurePass::Sas(sas.to_owned().into()), ..options }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_azure_keeps_its_promises() {
    let Some(azurite) = Azurite::start() else { return };
    azurite.container("box").await;
    keeps_its_promises(&open_azure(azure(&azurite, "box", "backups/wiki-"))).await;
    keeps_its_promises(&open_azure(with_sas(azure(&azurite, "box", ""), &azurite.sas("rwdlac")))).await;

    let open = |port| {
        let endpoint = Some(Azurite::endpoint(port));
        Box::new(open_azure(AzureOptions { endpoint, ..azure(&azurite, "box", "") })) as Box<dyn Store>
    };
    survives_broken_connections(azurite.port(), Uploads::GoOn, open).await;
    wrong_keys_and_missing_containers_are_told_apart(&azurite).await;
    a_list_is_complete_beyond_a_page(&azurite).await;
}

async fn wrong_keys_and_missing_containers_are_told_apart(azurite: &Azurite) {
    let good = azure(azurite, "box", "");
    let wrong_key = AzureOptions { pass: AzurePass::Key("d3Jvbmc=".to_owned().into()), ..good.clone() };
    let wrong_sas = with_sas(good.clone(), &format!("{}x", azurite.sas("rwdlac")));
    for wrong in [wrong_key, wrong_sas] {
        let error = open_azure(wrong.clone()).list().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{error:?}");
        assert!(error.helps()[0].contains("`access_key:`"), "{error:?}");
        assert!(!format!("{error:?}").contains("sig="), "{error:?}");
        assert_eq!(kind(put(&open_azure(wrong), "x", &bytes(1)).await), StoreErrorKind::Denied);
    }
    let reads_only = open_azure(with_sas(good.clone(), &azurite.sas("rl")));
    assert!(names(&reads_only).await.is_empty());
    for size in [1, 9 * MIB] {
        let error = put(&reads_only, "x", &bytes(size)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Denied);
        assert!(error.helps()[0].contains("SAS token"), "{error:?}");
    }
    let missing = open_azure(azure(azurite, "nowhere", ""));
    let put = put(&missing, "x", &bytes(1)).await.unwrap_err();
    for error in [missing.list().await.unwrap_err(), put] {
        assert_eq!(error.kind(), StoreErrorKind::Missing, "{error:?}");
        assert!(error.helps()[0].contains("`container:`"), "{error:?}");
    }
}

/// A page of Azure's has 5,000 at the most, and Azurite's too.
async fn a_list_is_complete_beyond_a_page(azurite: &Azurite) {
    azurite.container("many").await;
    azurite.fill("many", "p/wiki-", 5_001).await;
    azurite.fill("many", "p/other-", 3).await;
    let listed = names(&open_azure(azure(azurite, "many", "p/wiki-"))).await;
    assert_eq!((listed.len(), listed[0].as_str(), listed[5_000].as_str()), (5_001, "00000", "05000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_give_one_name_at_azure_the_first_has_it() {
    let Some(azurite) = Azurite::start() else { return };
    azurite.container("box").await;
    let content = bytes(9 * MIB);
    let plain = open_azure(azure(&azurite, "box", ""));
    // Azure drops the blocks of the one when the other is committed.
    let mut late = begin(&plain, "one.tar", &content).await.unwrap();
    late.stage().await.unwrap();
    put(&plain, "one.tar", &content.slice(1..)).await.unwrap();
    assert_eq!(kind(late.commit().await), StoreErrorKind::Exists);
    assert!(get(&plain, "one.tar").await.unwrap() == content[1..]);
}

fn gcs(server: &XmlServer, prefix: &str) -> GcsOptions {
    GcsOptions {
        destination: "d".into(),
        endpoint: Some(format!("http://127.0.0.1:{}", server.port())),
        bucket: "box".into(),
        prefix: prefix.into(),
        service_account: server.service_account().into(),
        ca_pem: None,
        allow_http: false,
        upload: None,
    }
}

fn open_gcs(options: GcsOptions) -> BucketStore {
    BucketStore::gcs(options, Ledger::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_google_keeps_its_promises_at_a_server_of_its_xml_dialect() {
    let Some(server) = XmlServer::start() else { return };
    let folder = server.bucket("box");
    let options = gcs(&server, "backups/");
    keeps_its_promises(&open_gcs(options.clone())).await;

    let endpoint = |port| Some(format!("http://127.0.0.1:{port}"));
    let open = |port| Box::new(open_gcs(GcsOptions { endpoint: endpoint(port), ..options.clone() })) as Box<dyn Store>;
    survives_broken_connections(server.port(), Uploads::GoOn, open).await;

    let missing = open_gcs(GcsOptions { bucket: "nowhere".into(), ..options.clone() });
    let put = put(&missing, "x", &bytes(1)).await.unwrap_err();
    for error in [missing.list().await.unwrap_err(), put] {
        assert_eq!(error.kind(), StoreErrorKind::Missing, "{error:?}");
        assert!(error.helps()[0].contains("`bucket:`"), "{error:?}");
    }
    std::fs::create_dir_all(folder.join("p")).unwrap();
    fill(&folder.join("p"), "wiki-", 3_001);
    fill(&folder.join("p"), "other-", 3);
    assert_eq!(names(&open_gcs(GcsOptions { prefix: "p/wiki-".into(), ..options })).await.len(), 3_001);
}
