import Broker
import Encodings
import Foundation
import JOSE
import RATS

/// Collateral in a file of this test's own, and somebody who signs bundles of it; both are gone with this.
public final class TestCollateral: Sendable {
    /// The name of what the file holds.
    public static let name = "intel/tcb/tdx/00806f050000/standard"

    /// Where the file, the signer's keys, and whatever a test writes there are.
    public let folder: URL
    /// Who signs bundles.
    public let signer: SigningKey

    /// Writes the file with an item of this number.
    public init(sequence: Int64 = 1) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "claviger-collateral-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        signer = try SigningKey.generate(.es256)
        try Data(signer.publicPEM.utf8).write(to: folder.appending(path: "signer.pub"))
        try Data(signer.pemRepresentation().utf8).write(to: folder.appending(path: "signer.pem"))
        try write(sequence: sequence)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The path of a file in the folder.
    public func path(_ file: String) -> String { folder.appending(path: file).path }

    /// Writes the file again.
    public func write(sequence: Int64) throws {
        let item: JSONValue = ["issued": .int(Int64(Date().timeIntervalSince1970)), "sequence": .int(sequence)]
        let file: JSONValue = [
            "collaterals": ["tcbinfos": [["fmspc": "00806f050000", "tdx_tcbinfo": item]]]
        ]
        try Data(file.serialized()).write(to: folder.appending(path: "collaterals.json"))
    }

    /// Makes a broker find collateral in the file, and take bundles of the signer.
    public func configure(_ configuration: inout BrokerConfiguration) {
        var source = CollateralSourceConfiguration(kind: .pcsFile)
        source.path = path("collaterals.json")
        configuration.collateral.sources = [source]
        configuration.collateral.keyFiles = [path("signer.pub")]
    }
}

/// Believes whatever an item of Intel's says of itself; it holds for thirty days.
public struct CredulousInspector: CollateralInspector {
    /// An inspector.
    public init() {}

    /// The dates and the number that the item states.
    public func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        guard name.segments.first == "intel" else { throw .unknown(name, "not Intel's.") }
        guard let content = try? JSONObject(parsing: item.body), let issued = content["issued"]?.intValue else {
            throw CollateralError(code: "signature_invalid", message: "no such item")
        }
        let date = Date(timeIntervalSince1970: Double(issued))
        return CollateralValidity(
            issued: date, nextUpdate: date.addingTimeInterval(30 * 86_400), sequence: content["sequence"]?.uintValue)
    }
}
