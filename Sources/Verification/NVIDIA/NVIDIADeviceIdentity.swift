import Encodings
import FoundationEssentials
import RATS
import X509Trust

/// The key of a device, with the chain that vouches for it.
struct NVIDIADeviceIdentity: Sendable {
    let chain: VerifiedChain
    /// The chip that NVIDIA's certificate names, such as `GH100`.
    let chip: String
    let architecture: NVIDIAArchitecture

    /// The chain in the order sent and no other: every key on P-384, the leaf's for signing.
    ///
    /// Throws the codes of X.509 verification, and `architecture_mismatch` when the certificate is of another generation
    /// than the sender says.
    init(_ device: NVIDIAEvidence.Device, anchors: [PinnedAnchor], at date: Date) throws(VerificationError) {
        do throws(X509Error) {
            for certificate in device.certificates {
                guard try certificate.publicKey.kind == .ec(.p384) else {
                    throw X509Error(code: "chain_not_trusted", message: "A key of the chain is not on P-384.")
                }
            }
            chain = try CertificateChain.verify(path: device.certificates, anchors: anchors, at: date)
        } catch {
            throw VerificationError(
                code: error.code, message: "The certificates of the NVIDIA device are refused. \(error.message)")
        }
        // `GH100 A01 GSP FMC LF`: chip, stepping, processor and what the key is.
        let name = chain.leaf.subjectCommonName ?? ""
        chip = String(name.prefix { $0 != " " }.filter { $0 != "_" })
        guard let architecture = NVIDIAArchitecture(chip: chip), architecture == device.architecture else {
            throw VerificationError(
                code: "architecture_mismatch",
                message: "The certificate is of \(name.isEmpty ? "no chip" : name.printable), which is none of the "
                    + "architecture \(device.architecture.rawValue).")
        }
        self.architecture = architecture
    }

    /// The digest of the device's first firmware that its certificate names; `nil` when it names none in the form of its
    /// generation.
    var firmwareID: [UInt8]? {
        switch architecture {
        case .hopper, .ls10:
            chain.leaf.extensionValue(FirmwareIdentifier.compositeOID).flatMap(FirmwareIdentifier.composite)
        case .blackwell:
            chain.leaf.extensionValue(FirmwareIdentifier.nvidiaTCBInfoOID).flatMap(FirmwareIdentifier.layers)?.first
        }
    }

    /// The serial number of the leaf as a decimal number, which is how NVIDIA's service names devices.
    var decimalSerial: String {
        var digits: [UInt8] = [0]
        for byte in chain.leaf.serialNumber {
            var carry = Int(byte)
            for index in digits.indices {
                let value = Int(digits[index]) * 256 + carry
                digits[index] = UInt8(value % 10)
                carry = value / 10
            }
            while carry > 0 {
                digits.append(UInt8(carry % 10))
                carry /= 10
            }
        }
        return String(decoding: digits.reversed().map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
    }
}
