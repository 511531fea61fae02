import Encodings
import Foundation
import RATS

@testable import Verification

/// Documents as Intel writes them, for the stand-in's platform.
enum IntelDocuments {
    static let issued = text(IntelStandIn.now.addingTimeInterval(-86_400))
    static let nextUpdate = text(IntelStandIn.now.addingTimeInterval(86_400 * 29))

    static func text(_ date: Date) -> JSONValue { .string(date.formatted(.iso8601)) }

    /// A TCB info whose first level the plain platform reaches.
    static func tcbInfo(
        _ kind: CollateralName.IntelQuoteKind, status: String = "UpToDate", levels: [JSONValue]? = nil,
        _ changes: [String: JSONValue] = [:]
    ) -> JSONValue {
        var info: JSONObject = [
            "id": kind == .sgx ? "SGX" : "TDX", "version": 3, "issueDate": issued, "nextUpdate": nextUpdate,
            "fmspc": "B0C06F000000", "pceId": "0000", "tcbType": 0, "tcbEvaluationDataNumber": 17,
        ]
        if kind == .tdx {
            info["tdxModule"] = module
            info["tdxModuleIdentities"] = [identity("TDX_01", [(4, "UpToDate"), (2, "OutOfDate")])]
        }
        info["tcbLevels"] = .array(levels ?? [level(kind, pceSVN: 11, status), level(kind, pceSVN: 5, "OutOfDate")])
        for (name, value) in changes { info[name] = value }
        return .object(info)
    }

    static let module: JSONValue = [
        "mrsigner": .string(String(repeating: "0", count: 96)), "attributes": "0000000000000000",
        "attributesMask": "FFFFFFFFFFFFFFFF",
    ]

    static func identity(_ id: String, _ levels: [(Int64, String)]) -> JSONValue {
        var identity = module.objectValue ?? [:]
        identity["id"] = .string(id)
        identity["tcbLevels"] = .array(levels.map { enclaveLevel($0.0, $0.1) })
        return .object(identity)
    }

    static func enclaveLevel(_ version: Int64, _ status: String) -> JSONValue {
        [
            "tcb": ["isvsvn": .int(version)], "tcbDate": "2024-03-13T00:00:00Z", "tcbStatus": .string(status),
            "advisoryIDs": status == "UpToDate" ? [] : [.string("INTEL-SA-0\(version)000")],
        ]
    }

    static func level(
        _ kind: CollateralName.IntelQuoteKind, components: [Int64]? = nil, tdxComponents: [Int64]? = nil,
        pceSVN: Int64, _ status: String, advisories: [JSONValue] = []
    ) -> JSONValue {
        let versions = components ?? [3, 3, 2, 2, 3, 1, 0, 5] + [Int64](repeating: 0, count: 8)
        var tcb: JSONObject = [
            "sgxtcbcomponents": .array(versions.map { ["svn": .int($0)] }), "pcesvn": .int(pceSVN),
        ]
        if kind == .tdx {
            let versions = tdxComponents ?? [5, 0, 3] + [Int64](repeating: 0, count: 13)
            tcb["tdxtcbcomponents"] = .array(versions.map { ["svn": .int($0)] })
        }
        return [
            "tcb": .object(tcb), "tcbDate": "2024-11-13T00:00:00Z", "tcbStatus": .string(status),
            "advisoryIDs": .array(advisories),
        ]
    }

    /// The identity of the stand-in's quoting enclave.
    static func qeIdentity(
        _ kind: CollateralName.IntelQuoteKind, levels: [(Int64, String)] = [(4, "UpToDate"), (2, "OutOfDate")],
        _ changes: [String: JSONValue] = [:]
    ) -> JSONValue {
        var identity: JSONObject = [
            "id": kind == .sgx ? "QE" : "TD_QE", "version": 2, "issueDate": issued, "nextUpdate": nextUpdate,
            "tcbEvaluationDataNumber": 17, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": .string(String(repeating: "DC", count: 32)), "isvprodid": kind == .sgx ? 1 : 2,
            "tcbLevels": .array(levels.map { enclaveLevel($0.0, $0.1) }),
        ]
        for (name, value) in changes { identity[name] = value }
        return .object(identity)
    }
}
