import Encodings
import HTTPTransport
import RATS

/// Evidence of Hygon CSV guests: the secure processor's report, and the certificates of the keys behind it.
struct CSVAttester: Attester {
    let tee = TEE.csv
    let kernel: any Kernel
    let eventLog: any EventLogSource
    /// Where the certificates of the chip come from; nil leaves them to the verifier.
    let chain: CSVChainSource?

    /// `{"attestation_report":{"magic","flags","data"},"cert_chain":{"hsk_cek"?,"pek"},"serial_number","cc_eventlog"}`.
    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        do throws(GuestError) {
            let (report, log) = try await HardwareWork.run { () throws(GuestError) in
                (try CSVGuestDevice(kernel: kernel).report(over: reportData), try eventLog.bytes())
            }
            var certificates = JSONObject()
            if let chain { certificates["hsk_cek"] = try await chain.certificates(of: report.serialNumber) }
            certificates["pek"] = .object(try CSVCertificate.platformKey(report.platformKey))
            return [
                "attestation_report": [
                    "magic": .bytes(report.isExtended ? CSVGuestDevice.magic : .zeros(16)),
                    "flags": report.isExtended ? 1 : 0, "data": .bytes(report.bytes),
                ],
                "cert_chain": .object(certificates), "serial_number": .bytes(report.serialNumber),
                "cc_eventlog": log.map(JSONValue.base64) ?? .null,
            ]
        } catch {
            guard error.code == .system else { throw error }
            throw GuestError(.evidence, "No csv evidence: \(error.message)", systemError: error.systemError)
        }
    }
}

/// Downloads the certificates of a chip: those of its key (CEK) and of the key that signed it (HSK).
struct CSVChainSource: Sendable {
    /// Hygon's service.
    static let hygon = "https://cert.hygon.cn/hsk_cek?snumber="
    private static let size = CSVCertificate.authoritySize + CSVCertificate.size

    let client: HTTPClient
    var url = hygon

    /// Both certificates, for the member `hsk_cek`.
    ///
    /// - Throws: `evidence_failed`, naming what the service answered.
    func certificates(of serialNumber: [UInt8]) async throws(GuestError) -> JSONValue {
        let name = serialNumber.prefix { $0 != 0 }
        guard !name.isEmpty, name.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }) else {
            throw GuestError(.evidence, "The chip's serial number is not of digits and capitals.")
        }
        let response: HTTPResponse
        do throws(HTTPTransportError) {
            let target = url + String(decoding: name, as: UTF8.self)
            response = try await client.send(HTTPRequest(url: target, timeout: .seconds(30)))
        } catch {
            throw GuestError(.evidence, "The certificates of the chip cannot be had from \(url): \(error.message)")
        }
        guard response.status == 200, response.body.count == Self.size else {
            throw GuestError(
                .evidence,
                "\(url) answered with status \(response.status) and \(response.body.count) bytes; 200 and \(Self.size) "
                    + "bytes are expected.")
        }
        let authority = Array(response.body[..<CSVCertificate.authoritySize])
        let chip = Array(response.body[CSVCertificate.authoritySize...])
        return [
            "hsk": .object(try CSVCertificate.authority(authority)),
            "cek": .object(try CSVCertificate.platformKey(chip)),
        ]
    }
}
