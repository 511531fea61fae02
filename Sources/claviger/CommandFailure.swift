import AdminClient
import Broker
import Collateral
import Encodings
import Guest
import HTTPTransport
import JOSE
import KBSProtocol
import Kubernetes
import Measurement
import OCIEncryption
import Policy
import RecordedEvidence
import RegoImport
import Storage
import X509Trust

/// A failure with the sentence for the person at the terminal and the status for scripts.
struct CommandFailure: Error {
    /// The program's exit status.
    enum Status: Int32 {
        case failed = 1
        case denied = 2
        case notFound = 3
        case unavailable = 4
    }

    let status: Status
    let message: String

    init(_ message: String, status: Status = .failed) {
        self.status = status
        self.message = message
    }

    /// The failure that an error of the targets below means; nil for errors of argument parsing.
    init?(describing error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as AdminClientError: self.init(error.message, status: Self.status(error.code))
        case let error as KubernetesError: self.init(error.message, status: Self.status(error.kind))
        case let error as ImageEncryptionError:
            self.init(error.message, status: error.code == .notFound ? .notFound : .failed)
        case let error as GuestError: self.init(error.description, status: Self.status(error.code))
        case let error as PolicyError: self.init(error.description)
        case let error as RecordedEvidenceError: self.init(error.message)
        case let error as RegoError: self.init(error.description)
        case let error as PolicyBundleError: self.init(error.message, status: Self.status(error))
        case let error as CollateralBundleError: self.init(error.message)
        case let error as CollateralFetchFailure: self.init(error.message)
        case let error as JOSEError: self.init(error.message)
        case let error as KBSProtocolError: self.init(error.message)
        case let error as HTTPTransportError: self.init(error.message, status: .unavailable)
        case let error as MeasurementError: self.init("\(error.message) (\(error.code.rawValue))")
        case let error as X509Error: self.init(error.message)
        case let error as StorageError: self.init(error.message)
        case let error as ConfigurationError: self.init(error.message)
        case let error as BrokerError: self.init(error.message)
        case let error as JSONError: self.init(error.description)
        default: return nil
        }
    }

    private static func status(_ code: GuestError.Code) -> Status {
        switch code {
        case .denied, .unauthorized, .attestationFailed, .untrustedSignature: .denied
        case .notFound: .notFound
        case .unavailable, .untrusted: .unavailable
        case .invalidRequest, .noTEE, .system, .evidence, .initData, .unexpected, .undecryptable, .projection,
            .disabled, .invalidSealedSecret, .unsupportedProvider, .unsupported, .volume, .volumeRefused:
            .failed
        }
    }

    private static func status(_ error: PolicyBundleError) -> Status {
        ["bundle_unsigned", "unknown_signer", "invalid_signature", "too_few_signers"].contains(error.code)
            ? .denied : .failed
    }

    private static func status(_ kind: KubernetesError.Kind) -> Status {
        switch kind {
        case .forbidden, .unauthorized: .denied
        case .notFound: .notFound
        case .throttled, .serverTimeout, .serverError, .transport, .watchIdle: .unavailable
        case .conflict, .alreadyExists, .gone, .invalid, .resourceVersionTooLarge, .malformed, .tooLarge,
            .configuration, .cancelled:
            .failed
        }
    }

    private static func status(_ code: AdminClientError.Code) -> Status {
        switch code {
        case .unavailable, .untrusted: .unavailable
        case .denied, .unauthenticated: .denied
        case .notFound: .notFound
        case .conflict, .invalid, .invalidInput, .unexpected: .failed
        }
    }
}
