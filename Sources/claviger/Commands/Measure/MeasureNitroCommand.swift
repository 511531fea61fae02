import ArgumentParser
import Measurement
import X509Trust

struct MeasureNitroCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nitro", abstract: "The PCRs of an AWS Nitro enclave.",
        discussion: """
            PCR 0 to 2 of an enclave image file; PCR 3, 4 and 8 of the parent instance's role and identifier, and of the \
            certificate that signs images.
            """)

    @Argument(help: "The enclave image file (EIF).")
    var image: String?

    @Option(help: "The ARN of the parent instance's role.")
    var roleARN: String?

    @Option(help: "The identifier of the parent instance.")
    var instanceID: String?

    @Option(help: "The certificate that signs images, PEM or DER.")
    var signingCertificate: String?

    @OptionGroup var output: MeasureOutputOptions

    func validate() throws {
        guard image != nil || roleARN != nil || instanceID != nil || signingCertificate != nil else {
            throw ValidationError("give an image, --role-arn, --instance-id or --signing-certificate")
        }
    }

    func run() throws { try output.print(report(), command: "nitro") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        if let image {
            let registers = try EnclaveImage(report.open(image, as: "enclave image")).registers()
            let meanings = ["the whole image", "kernel and first ramdisk", "all other ramdisks"]
            report.values += zip(registers, meanings).enumerated().map { index, register in
                .init("nitro_pcr\(index)", register.0, "PCR \(index): \(register.1)")
            }
        }
        if let roleARN {
            report.values.append(.init("nitro_pcr3", NitroRegister.role(roleARN), "PCR 3: role \(roleARN)"))
        }
        if let instanceID {
            report.values.append(
                .init("nitro_pcr4", NitroRegister.instance(instanceID), "PCR 4: instance \(instanceID)"))
        }
        if let signingCertificate {
            let bytes = try report.read(signingCertificate, as: "certificate", limit: 1 << 20)
            let certificate = try Self.certificate(bytes)
            report.values.append(
                .init("nitro_pcr8", NitroRegister.signer(certificate: certificate.der), "PCR 8: signer of the image"))
        }
        return report
    }

    private static func certificate(_ bytes: [UInt8]) throws -> Certificate {
        guard bytes.first == UInt8(ascii: "-") else { return try Certificate(der: bytes) }
        return try Certificate(pem: String(decoding: bytes, as: UTF8.self))
    }
}
