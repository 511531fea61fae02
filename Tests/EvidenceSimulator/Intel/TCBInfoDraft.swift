import Encodings
import Foundation
import RATS

/// A TCB info before it is signed.
package struct TCBInfoDraft: Sendable {
    /// A level.
    package struct Level: Sendable {
        /// What the 16 components of the platform must reach.
        package var components: [UInt8]
        /// What the provisioning certification enclave must reach.
        package var pceSVN: Int
        /// What the 16 components of a trust domain's report must reach; only for TDX.
        package var moduleComponents: [UInt8]
        /// The status by Intel's word.
        package var status: String
        /// The day that it is as good as.
        package var date: Date
        /// The advisories that apply.
        package var advisories: [String]
    }

    /// Who a TDX module must be.
    package struct Module: Sendable {
        /// Who signed it, 48 bytes.
        package var signer = [UInt8](repeating: 0, count: 48)
        /// Its attributes, 8 bytes.
        package var attributes = [UInt8](repeating: 0, count: 8)
        /// Status of each security version of the module, from the highest to the lowest.
        package var levels: [(securityVersion: Int, status: String)] = [(3, "UpToDate"), (1, "OutOfDate")]
    }

    /// The security versions in the reports of simulated trust domains: version 5 of a module of major version 1.
    static let moduleVersions: [UInt8] = padded([5, 1, 6], to: 16)

    /// SGX or TDX.
    package var kind: CollateralName.IntelQuoteKind
    /// The family of platforms.
    package var fmspc: [UInt8]
    /// The provisioning certification enclave.
    package var pceID: [UInt8]
    /// When it was issued.
    package var issued: Date
    /// When the next one is due.
    package var nextUpdate: Date
    /// The evaluation number.
    package var evaluationNumber = 17
    /// The TDX module of major version 0.
    package var module = Module()
    /// Later TDX modules by their major version.
    package var modules: [Int: Module] = [1: Module()]
    /// The levels from the highest to the lowest.
    package var levels: [Level]

    /// A current document for which a platform is up to date, with an older level below.
    package init(_ kind: CollateralName.IntelQuoteKind, for platform: PlatformCertificateDraft, at now: Date) {
        self.kind = kind
        fmspc = platform.fmspc
        pceID = platform.pceID
        issued = now.addingTimeInterval(-86_400)
        nextUpdate = now.addingTimeInterval(30 * 86_400)
        let current = Level(
            components: platform.componentSVNs, pceSVN: platform.pceSVN, moduleComponents: Self.moduleVersions,
            status: "UpToDate", date: now.addingTimeInterval(-100 * 86_400), advisories: [])
        var older = current
        older.components = older.components.map { $0 / 2 }
        older.moduleComponents = padded([3, 0, 5], to: 16)
        older.pceSVN = 5
        older.status = "OutOfDate"
        older.date = now.addingTimeInterval(-1_000 * 86_400)
        older.advisories = ["INTEL-SA-00960"]
        levels = [current, older]
    }

    /// The object that is signed.
    func json() -> JSONObject {
        var object: JSONObject = [
            "id": .string(kind.rawValue.uppercased()), "version": 3, "issueDate": time(issued),
            "nextUpdate": time(nextUpdate), "fmspc": hex(fmspc), "pceId": hex(pceID), "tcbType": 0,
            "tcbEvaluationDataNumber": .int(Int64(evaluationNumber)),
        ]
        if kind == .tdx {
            object["tdxModule"] = .object(module.json(identity: nil))
            object["tdxModuleIdentities"] = .array(
                modules.sorted { $0.key < $1.key }.map { .object($0.value.json(identity: $0.key)) })
        }
        object["tcbLevels"] = .array(levels.map { .object($0.json(kind)) })
        return object
    }
}

extension TCBInfoDraft.Module {
    /// - Parameter number: the major version for an identity with levels, `nil` for the module of version 0.
    fileprivate func json(identity number: Int?) -> JSONObject {
        var object: JSONObject = [
            "mrsigner": hex(signer), "attributes": hex(attributes),
            "attributesMask": hex(Array(repeating: 0xFF, count: 8)),
        ]
        guard let number else { return object }
        object["id"] = .string("TDX_0\(number)")
        object["tcbLevels"] = .array(
            levels.map { level in
                [
                    "tcb": ["isvsvn": .int(Int64(level.securityVersion))], "tcbDate": "2024-03-13T00:00:00Z",
                    "tcbStatus": .string(level.status),
                ]
            })
        return object
    }
}

extension TCBInfoDraft.Level {
    fileprivate func json(_ kind: CollateralName.IntelQuoteKind) -> JSONObject {
        var tcb: JSONObject = ["sgxtcbcomponents": Self.components(components), "pcesvn": .int(Int64(pceSVN))]
        if kind == .tdx { tcb["tdxtcbcomponents"] = Self.components(moduleComponents) }
        return [
            "tcb": .object(tcb), "tcbDate": time(date), "tcbStatus": .string(status),
            "advisoryIDs": .array(advisories.map(JSONValue.string)),
        ]
    }

    private static func components(_ versions: [UInt8]) -> JSONValue {
        .array(versions.map { ["svn": .int(Int64($0))] })
    }
}

/// A time as Intel writes it.
func time(_ date: Date) -> JSONValue { .string(date.formatted(.iso8601)) }

/// Bytes as Intel writes them.
func hex(_ bytes: [UInt8]) -> JSONValue { .string(Hex.encode(bytes).uppercased()) }
