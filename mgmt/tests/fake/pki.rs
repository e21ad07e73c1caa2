//! Authorities and certificates of a test

use limen_proto::manage::Trust;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

/// A certificate and its key, PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// One authority.
pub struct Authority {
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().pem();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity {
            certificate,
            key: key.serialize_pem(),
        }
    }

    pub fn client(&self) -> Identity {
        self.sign(|_| {})
    }

    pub fn expired(&self) -> Identity {
        self.sign(|params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    pub fn future(&self) -> Identity {
        self.sign(|params| {
            params.not_before = date_time_ymd(2090, 1, 1);
            params.not_after = date_time_ymd(2099, 1, 1);
        })
    }

    pub fn server_only(&self) -> Identity {
        self.sign(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    pub fn authority_as_leaf(&self) -> Identity {
        self.sign(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }

    pub fn server(&self, names: &[&str]) -> Identity {
        self.sign(|params| {
            let names = names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>();
            let parsed = CertificateParams::new(names).unwrap();
            params.subject_alt_names = parsed.subject_alt_names;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }
}

/// Everybody's certificates.
pub struct Pki {
    pub gateway: Authority,
    pub operator: Authority,
    pub energy: Authority,
    pub alarm: Authority,
    pub stranger: Authority,
    server: Identity,
}

impl Pki {
    pub fn new() -> Self {
        let gateway = Authority::new("gateway");
        let server = gateway.server(&["localhost", "127.0.0.1"]);
        Self {
            operator: Authority::new("operator"),
            energy: Authority::new("energy"),
            alarm: Authority::new("alarm"),
            stranger: Authority::new("stranger"),
            gateway,
            server,
        }
    }

    pub fn trust(&self) -> Trust {
        let provider = |name: &str, authority: &Authority| {
            (name.parse().unwrap(), authority.certificate.clone())
        };
        Trust {
            certificate: self.server.certificate.clone(),
            key: self.server.key.clone(),
            operator: self.operator.certificate.clone(),
            providers: vec![
                provider("energy", &self.energy),
                provider("alarm", &self.alarm),
            ],
            epoch: 1,
            not_before: 1_700_000_000,
        }
    }
}
