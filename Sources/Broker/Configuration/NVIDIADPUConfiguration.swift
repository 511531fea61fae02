import Verification
import X509Trust

extension NVIDIADPUVerifier.Options {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        self.init()
        for path in try section.texts("rootFiles") ?? [] {
            guard let certificate = try? Certificate(pem: ConfigurationFile.text(at: path)) else {
                throw section.invalid("rootFiles", "has \(path), which holds no certificate in PEM.")
            }
            anchors.append(PinnedAnchor(name: certificate.subjectCommonName ?? path, certificate: certificate))
        }
        maximumAge = try section.duration("maximumAge", in: .seconds(1) ... .seconds(86_400 * 365)) ?? maximumAge
        try section.finish()
    }
}
