//! Golden exchanges of the Jolokia protocol, over the wire
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod client;
mod fake;

use client::{connect, exchange, get, get_bytes, post, post_bytes};
use fake::Stand;
use limen_proto::manage::{Caller, Verb};
use serde_json::{Value, json};

/// An answer less what differs from run to run.
fn steady(mut answer: Value) -> Value {
    if let Some(object) = answer.as_object_mut() {
        object.remove("timestamp");
    }
    answer
}

#[test]
fn the_base_path_answers_version_three_ways_and_never_redirects() {
    let stand = Stand::new();
    let operator = stand.pki.operator.client();
    for path in [
        "/jolokia",
        "/jolokia/",
        "/jolokia/version",
        "/jolokia/VERSION/",
        "/jolokia?p=/version",
    ] {
        let answer = get(&stand, &operator, path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer
                .head
                .to_lowercase()
                .contains("content-type: application/json"),
            "{path}"
        );
        for header in ["cache-control: no-cache", "expires: ", "date: "] {
            assert!(answer.head.to_lowercase().contains(header), "{header}");
        }
        let answer = answer.json();
        assert_eq!(answer["request"], json!({"type": "version"}));
        assert!(
            answer["value"]["protocol"]
                .as_str()
                .unwrap()
                .parse::<f32>()
                .unwrap()
                >= 8.0
        );
        assert!(answer["value"]["agent"].is_string());
        assert!(answer["timestamp"].is_u64());
    }
    let answer = get(&stand, &operator, "/");
    assert!(
        answer.body.contains("/jolokia") && answer.body.contains("Limen"),
        "{}",
        answer.body
    );
}

#[test]
fn golden_reads() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let answer = get(
        &stand,
        &energy,
        "/jolokia/read/limen:type=Bundle,provider=energy,name=web/State",
    );
    assert_eq!(
        steady(answer.json()),
        json!({
            "request": {"type": "read", "mbean": "limen:type=Bundle,provider=energy,name=web",
                        "attribute": "State"},
            "value": "Installed",
            "status": 200,
        })
    );
    let body = json!({"type": "read", "mbean": "limen:name=web,provider=energy,type=Bundle",
                      "attribute": ["Restarts", "Exit"], "config": {}, "path": null});
    assert_eq!(
        steady(post(&stand, &energy, &body).json()),
        json!({
            "request": {"type": "read", "mbean": "limen:name=web,provider=energy,type=Bundle",
                        "attribute": ["Restarts", "Exit"]},
            "value": {"Restarts": 2, "Exit": "signal 9"},
            "status": 200,
        })
    );
    let body = json!({"type": "read", "mbean": "limen:type=Bundle,*", "attribute": "Version"});
    assert_eq!(
        post(&stand, &energy, &body).json()["value"],
        json!({
            "limen:type=Bundle,provider=energy,name=web": {"Version": "1.0.0"},
            "limen:type=Bundle,provider=energy,name=meter": {"Version": "1.0.0"},
        })
    );
    let path = "/jolokia/read/limen:type=VirtualGateway,provider=energy/Contract/limits/memory";
    assert_eq!(get(&stand, &energy, path).json()["value"], json!(64 << 20));
}

#[test]
fn whole_numbers_of_64_bits_are_exact() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let path = "/jolokia/read/limen:type=VirtualGateway,provider=energy/CpuUsage";
    let answer = get(&stand, &energy, path);
    assert!(
        answer.body.contains("\"value\":9007199254740993,"),
        "{}",
        answer.body
    );
    let answer = get(&stand, &energy, &format!("{path}?serializeLong=string"));
    assert!(
        answer.body.contains("\"value\":\"9007199254740993\""),
        "{}",
        answer.body
    );
}

#[test]
fn golden_errors() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    for (path, status, class) in [
        (
            "read/limen:type=Nothing",
            404,
            "javax.management.InstanceNotFoundException",
        ),
        (
            "read/limen:type=Nothing,*",
            404,
            "javax.management.InstanceNotFoundException",
        ),
        (
            "read/limen:type=Core",
            404,
            "javax.management.InstanceNotFoundException",
        ),
        (
            "read/limen:type=Bundle,provider=energy,name=web/Nope",
            404,
            "javax.management.AttributeNotFoundException",
        ),
        (
            "write/limen:type=Bundle,provider=energy,name=web/State/x",
            404,
            "javax.management.AttributeNotFoundException",
        ),
        (
            "exec/limen:type=Bundle,provider=energy,name=web/dance",
            500,
            "java.lang.NoSuchMethodException",
        ),
        (
            "exec/limen:type=VirtualGateway,provider=energy/stop",
            500,
            "java.lang.NoSuchMethodException",
        ),
        (
            "list/limen/type=Nothing",
            404,
            "javax.management.InstanceNotFoundException",
        ),
        (
            "list/limen/type=Bundle,provider=energy,name=web/nope",
            500,
            "java.lang.IllegalArgumentException",
        ),
        (
            "notification/register",
            500,
            "java.lang.UnsupportedOperationException",
        ),
    ] {
        let answer = get(&stand, &energy, &format!("/jolokia/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        let answer = answer.json();
        assert_eq!(
            (&answer["status"], &answer["error_type"]),
            (&json!(status), &json!(class)),
            "{path}"
        );
        assert_eq!(answer[".error"], json!(true));
        assert!(
            answer["error"].as_str().unwrap().starts_with(class),
            "{path}"
        );
        assert!(
            answer.get("value").is_none() && answer.get("timestamp").is_none(),
            "{path}"
        );
    }
    for path in [
        "dance",
        "read",
        "read/limen",
        "exec/limen:type=Core",
        "list/a/b/c/d",
        "version?maxDepth=x",
        "exec/limen:type=Bundle,provider=energy,name=web/logs/1",
        "exec/limen:type=Bundle,provider=energy,name=web/logs/a/b",
    ] {
        let answer = get(&stand, &energy, &format!("/jolokia/{path}"));
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer.body.starts_with("400 (Bad Request)"),
            "{path}: {}",
            answer.body
        );
    }
}

#[test]
fn a_foreign_object_reads_exactly_as_an_absent_one() {
    let stand = Stand::new();
    let alarm = stand.pki.alarm.client();
    for request in [
        json!({"type": "read", "mbean": "NAME"}),
        json!({"type": "read", "mbean": "NAME", "attribute": "State"}),
        json!({"type": "exec", "mbean": "NAME", "operation": "isAlive"}),
        json!({"type": "write", "mbean": "NAME", "attribute": "State", "value": 1}),
    ] {
        let ask = |name: &str| {
            let request = request.to_string().replace("NAME", name);
            let answer = post(&stand, &alarm, &serde_json::from_str(&request).unwrap());
            answer.body.replace(name, "NAME")
        };
        for (foreign, absent) in [
            (
                "limen:type=Bundle,provider=energy,name=web",
                "limen:type=Bundle,provider=alarm,name=web",
            ),
            (
                "limen:type=VirtualGateway,provider=energy",
                "limen:type=VirtualGateway,provider=nobody",
            ),
            (
                "limen:type=Grant,provider=energy,id=1",
                "limen:type=Grant,provider=alarm,id=77",
            ),
            ("limen:type=Core", "limen:type=Cora"),
        ] {
            assert_eq!(ask(foreign), ask(absent), "{foreign}");
        }
    }
    let told = |text: &str| stand.steward.notes().iter().any(|note| note.contains(text));
    assert!(
        told("provider alarm asked for objects of provider energy"),
        "the operator is told"
    );
    let calls = stand.steward.calls.lock().unwrap();
    let foreign = calls.iter().any(|(caller, _)| {
        !matches!(caller, Caller::Management)
            && *caller != Caller::Provider("alarm".parse().unwrap())
    });
    assert!(!foreign, "every call was in alarm's name");
}

/// Every object that somebody else sees, with every operation that it has, asked for as alarm: the
/// matrix grows with the tables by itself.
#[test]
fn whatever_is_not_in_ones_list_is_absent_in_every_way() {
    let stand = Stand::new();
    let pki = &stand.pki;
    let alarm = pki.alarm.client();
    let list = |identity| get(&stand, identity, "/jolokia/list").json()["value"]["limen"].clone();
    let own = list(&alarm);
    let mut asked = 0;
    for other in [list(&pki.operator.client()), list(&pki.energy.client())] {
        for (properties, description) in other.as_object().unwrap() {
            if own.get(properties).is_some() {
                continue;
            }
            let name = format!("limen:{properties}");
            let mut bulk = vec![json!({"type": "read", "mbean": name})];
            bulk.push(json!({"type": "list", "path": format!("limen/{properties}")}));
            for (operation, shape) in description["op"].as_object().into_iter().flatten() {
                let arguments = vec![json!("1"); shape["args"].as_array().unwrap().len()];
                bulk.push(json!({"type": "exec", "mbean": name, "operation": operation, "arguments": arguments}));
            }
            for answer in post(&stand, &alarm, &json!(bulk))
                .json()
                .as_array()
                .unwrap()
            {
                let wanted = format!("javax.management.InstanceNotFoundException : {name}");
                assert_eq!(
                    (&answer["status"], &answer["error"]),
                    (&json!(404), &json!(wanted))
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 50, "the matrix has rows: {asked}");
    let calls = stand.steward.calls.lock().unwrap();
    let alarm = Caller::Provider("alarm".parse().unwrap());
    let acts = calls.iter().filter(|(caller, verb)| {
        *caller == alarm && !matches!(verb, Verb::ListVgw | Verb::ListBundles | Verb::ListGrants)
    });
    assert_eq!(acts.count(), 0, "nothing was done");
}

#[test]
fn search_and_list_show_the_callers_world_only() {
    let stand = Stand::new();
    let alarm = stand.pki.alarm.client();
    let names = get(&stand, &alarm, "/jolokia/search/*:*").json()["value"].clone();
    assert_eq!(
        names,
        json!([
            "limen:type=VirtualGateway,provider=alarm",
            "limen:type=Bundle,provider=alarm,name=presence",
            "limen:type=Grants,provider=alarm",
            "limen:type=Audit,provider=alarm",
            "limen:type=Security,provider=alarm",
        ])
    );
    assert_eq!(
        get(&stand, &alarm, "/jolokia/search/limen:provider=energy,*").json()["value"],
        json!([])
    );
    let list = get(&stand, &alarm, "/jolokia/list").json()["value"]["limen"].clone();
    assert_eq!(list.as_object().unwrap().len(), 5);
    let vgw = &list["type=VirtualGateway,provider=alarm"];
    assert_eq!(vgw["class"], json!("limen.VirtualGateway"));
    assert_eq!(vgw["attr"]["CpuUsage"]["type"], json!("long"));
    assert_eq!(
        vgw["op"]["isAlive"],
        json!({"args": [], "ret": "boolean", "desc": "whether its state is Active"})
    );
    assert!(vgw["op"].get("stop").is_none(), "the operator's alone");

    let operator = stand.pki.operator.client();
    let names = get(&stand, &operator, "/jolokia/search/limen:*").json()["value"].clone();
    assert_eq!(
        names,
        json!([
            "limen:type=Core",
            "limen:type=VirtualGatewayFactory",
            "limen:type=VirtualGateway,provider=energy",
            "limen:type=VirtualGateway,provider=alarm",
            "limen:type=Grants",
            "limen:type=Audit",
            "limen:type=Security,provider=core",
        ])
    );
}

#[test]
fn list_has_the_forms_that_hawtio_asks_for() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let body = json!({"type": "list", "path": "hawtio/type=security,name=RBACRegistry"});
    assert_eq!(post(&stand, &energy, &body).json()["status"], json!(404));
    let body = json!({"type": "list", "config": {"listCache": true, "maxDepth": 9,
                      "maxCollectionSize": 50000, "canonicalNaming": false, "ignoreErrors": true}});
    let value = post(&stand, &energy, &body).json()["value"].clone();
    let key = value["domains"]["limen"]["type=Bundle,provider=energy,name=web"]
        .as_str()
        .unwrap();
    assert_eq!(value["cache"][key]["class"], json!("limen.Bundle"));
    assert_eq!(
        get(&stand, &energy, "/jolokia/list/nowhere").json()["value"],
        json!({})
    );
    assert_eq!(
        get(&stand, &energy, "/jolokia/list?maxDepth=1").json()["value"],
        json!({"limen": 1})
    );
    let path = "/jolokia/list/limen/name=web,type=Bundle,provider=energy/class";
    assert_eq!(
        get(&stand, &energy, path).json()["value"],
        json!("limen.Bundle")
    );
    let answer = get(&stand, &energy, "/jolokia/list?ifModifiedSince=2147483647").json();
    assert_eq!(
        (&answer["status"], answer.get("value")),
        (&json!(304), None)
    );
}

#[test]
fn exec_calls_the_steward_in_the_callers_name() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let web = "limen:type=Bundle,provider=energy,name=web";
    let answer = get(
        &stand,
        &energy,
        &format!("/jolokia/exec/{web}/uninstall(boolean)/true"),
    )
    .json();
    assert_eq!(answer["value"], json!(null));
    assert_eq!(answer["status"], json!(200));
    let answer = post(
        &stand,
        &energy,
        &json!({"type": "exec", "mbean": web, "operation": "logs(long, int)", "arguments": [1, "5"]}),
    );
    assert_eq!(
        answer.json()["value"],
        json!([
            {"Number": 2, "Time": 1_800_000_000_000_u64, "Text": "line 2"},
            {"Number": 3, "Time": 1_800_000_000_000_u64, "Text": "line 3"},
        ])
    );
    let operator = stand.pki.operator.client();
    let wish = json!({"provider": "acme", "authority": "PEM", "keys": ["RWQ"],
                      "contract": fake::world::contract()});
    let create = |wish: &Value| {
        post(
            &stand,
            &operator,
            &json!({"type": "exec", "mbean": "limen:type=VirtualGatewayFactory",
            "operation": "createVirtualGw(java.lang.String)", "arguments": [wish]}),
        )
        .json()
    };
    assert_eq!(
        create(&json!(wish.to_string()))["value"]["Provider"],
        json!("acme")
    );
    let again = create(&wish);
    assert_eq!(
        (&again["status"], &again["refusal"]),
        (&json!(409), &json!("Conflict"))
    );
    assert!(
        again["reason"]
            .as_str()
            .unwrap()
            .contains("remove it first")
    );
    let calls = stand.steward.calls.lock().unwrap();
    let energy: Caller = Caller::Provider("energy".parse().unwrap());
    let name: limen_proto::name::Name = "web".parse().unwrap();
    assert!(calls.contains(&(
        energy.clone(),
        Verb::UninstallBundle {
            name: name.clone(),
            keep_volumes: true
        }
    )));
    assert!(calls.contains(&(
        energy,
        Verb::ReadLogs {
            name,
            after: 1,
            limit: 5
        }
    )));
}

#[test]
fn a_wish_with_an_unknown_key_is_refused_by_name() {
    let stand = Stand::new();
    let operator = stand.pki.operator.client();
    let mut contract = json!(fake::world::contract());
    contract["colour"] = json!("blue");
    let wish = json!({"provider": "acme", "authority": "PEM", "keys": [], "contract": contract});
    let answer = post(
        &stand,
        &operator,
        &json!({"type": "exec",
        "mbean": "limen:type=VirtualGatewayFactory", "operation": "createVirtualGw", "arguments": [wish]}),
    );
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("unknown field `colour`"),
        "{}",
        answer.body
    );
}

#[test]
fn a_bulk_answers_slot_by_slot() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let body = json!([
        {"type": "version"},
        7,
        {"type": "dance"},
        {"type": "read", "mbean": "limen:type=Bundle,provider=energy,name=web", "attribute": "State"},
        {"type": "read", "mbean": "limen:type=Bundle,provider=alarm,name=presence"},
    ]);
    let answers = post(&stand, &energy, &body).json();
    let statuses: Vec<&Value> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| &slot["status"])
        .collect();
    assert_eq!(
        statuses,
        [
            &json!(200),
            &json!(400),
            &json!(400),
            &json!(200),
            &json!(404)
        ]
    );
    assert_eq!(post(&stand, &energy, &json!([])).json(), json!([]));
}

#[test]
fn a_short_bulk_cannot_ask_for_an_endless_answer() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let body = Value::Array(vec![json!({"type": "list"}); 256]);
    let answer = post(&stand, &energy, &body);
    assert!(answer.body.len() < 4 << 20, "{} bytes", answer.body.len());
    let answers = answer.json();
    assert_eq!(answers[0]["status"], json!(200));
    assert_eq!(answers[255]["status"], json!(413));
}

#[test]
fn broken_bodies_and_methods_are_answered() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let send = |request: &[u8]| exchange(&mut connect(&stand, Some(&energy)), request).unwrap();
    let answer = send(&post_bytes("/jolokia/", b"{\"type\":", ""));
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!(400))
    );
    assert_eq!(send(&post_bytes("/jolokia", b"7", "")).status, 400);
    assert_eq!(
        send(b"PUT /jolokia HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status,
        400
    );
    assert_eq!(
        send(b"GET /jolokia HTTP/1.1\r\n\r\n").status,
        400,
        "no host"
    );
    assert_eq!(send(&get_bytes("/jolokiax")).status, 404);
    assert_eq!(send(&get_bytes("/../etc/passwd")).status, 404);
    assert_eq!(send(&get_bytes("/bundles")).status, 405);
    let huge = vec![b' '; 300 * 1024];
    assert_eq!(send(&post_bytes("/jolokia", &huge, "")).status, 413);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(40_000));
    assert!(matches!(send(long.as_bytes()).status, 414 | 431));
    let smuggled = b"POST /jolokia HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!";
    assert_eq!(send(smuggled).status, 400);
}

#[test]
fn a_browser_of_another_site_changes_nothing() {
    let stand = Stand::new();
    let operator = stand.pki.operator.client();
    let attack = b"GET /jolokia/exec/limen:type=Core/powerOff HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n\r\n";
    let answer = exchange(&mut connect(&stand, Some(&operator)), attack).unwrap();
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!(403))
    );
    let calls = stand.steward.calls.lock().unwrap();
    assert!(
        !calls
            .iter()
            .any(|(_, verb)| matches!(verb, Verb::Shutdown { .. }))
    );
}

#[test]
fn without_a_steward_the_answer_is_try_again() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let mut stream = connect(&stand, Some(&energy));
    let read = get_bytes("/jolokia/read/limen:type=VirtualGateway,provider=energy/State");
    assert_eq!(
        exchange(&mut stream, &read).unwrap().json()["value"],
        json!("Active")
    );
    stand.steward.hang_up();
    let start = std::time::Instant::now();
    let answer = loop {
        let answer = exchange(&mut stream, &read).unwrap().json();
        if answer["status"] == json!(503) || start.elapsed().as_secs() > 10 {
            break answer;
        }
    };
    assert_eq!(answer["refusal"], json!("Unavailable"));
    stand.link();
    let start = std::time::Instant::now();
    while exchange(&mut stream, &read).unwrap().json()["value"] != json!("Active") {
        assert!(
            start.elapsed().as_secs() < 10,
            "the same connection works again"
        );
    }
}
