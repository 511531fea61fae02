import CCurl
import Glibc
import Synchronization

/// One exchange: a configured libcurl handle and what it has received so far.
///
/// `@unchecked Sendable`: after `init` only the transfer loop's thread touches it, except for `isCancelled`,
/// which is atomic.
final class Transfer: @unchecked Sendable {
    static let cancelled = HTTPTransportError(.cancelled, "The request was cancelled.")

    /// Headers beyond this are refused.
    static let maximumHeaderBytes = 262_144

    let easy: UnsafeMutableRawPointer
    let isCancelled = Atomic(false)

    private let sink: any ResponseSink
    private let maximumBodyBytes: Int?
    private let errorText: UnsafeMutablePointer<CChar>
    private let requestBody: UnsafeMutableRawBufferPointer
    private var headerList: UnsafeMutablePointer<curl_slist>?

    private var responseHeaders: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var hasBegun = false
    private var exceededLimit: Int?
    private var metMachineAddress = false

    init(
        request: HTTPRequest, configuration: HTTPClientConfiguration, trust: TrustAnchors, sink: any ResponseSink,
        isStreamed: Bool = false
    ) throws(HTTPTransportError) {
        guard let handle = curl_easy_init() else {
            throw HTTPTransportError(.failed, "libcurl could not make a handle.")
        }
        easy = handle
        self.sink = sink
        maximumBodyBytes = isStreamed ? nil : configuration.maximumResponseBytes
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        // libcurl reads the body where it lies, so it needs an address that stays.
        requestBody = .allocate(byteCount: max(request.body?.count ?? 0, 1), alignment: 1)
        requestBody.copyBytes(from: request.body ?? [])

        let setup = TransferSetup(easy: easy)
        setup.apply(configuration, trust)
        setup.apply(request, body: requestBody.baseAddress)
        if let maximumBodyBytes { setup.limitBody(to: maximumBodyBytes) } else { setup.waitForever() }
        headerList = setup.headerList(request)
        setup.list(CURLOPT_HTTPHEADER, headerList)
        setup.pointer(CURLOPT_ERRORBUFFER, errorText)
        setup.receive(into: Unmanaged.passUnretained(self).toOpaque())
        if configuration.machineAddressesRefused, request.unixSocket == nil {
            setup.watchAddresses(for: Unmanaged.passUnretained(self).toOpaque())
        }
        if let failure = setup.failure {
            throw HTTPTransportError(curl: failure, detail: "")
        }
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        if let address = requestBody.baseAddress {
            explicit_bzero(address, requestBody.count)
        }
        requestBody.deallocate()
        errorText.deallocate()
    }

    /// Tells the sink what came of it; called once, when nothing more will be received.
    func end(_ failure: HTTPTransportError?) {
        sink.end(failure)
    }

    /// Why it failed, if it did, once libcurl has finished with `code`.
    func failure(_ code: CURLcode) -> HTTPTransportError? {
        if let exceededLimit = exceededLimit ?? (code == CURLE_FILESIZE_EXCEEDED ? maximumBodyBytes : nil) {
            return HTTPTransportError(.tooLarge, "The response is larger than \(exceededLimit) bytes.")
        }
        if code != CURLE_OK, metMachineAddress {
            return HTTPTransportError(
                .forbiddenAddress, "The host has a link-local address or that of a cloud's metadata service.")
        }
        guard code == CURLE_OK else {
            return HTTPTransportError(curl: code, detail: String(cString: errorText))
        }
        return hasBegun ? nil : HTTPTransportError(.connectionLost, "The server sent no status.")
    }

    /// Makes the socket for a connection, unless nobody may connect there.
    func openSocket(_ address: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        guard !MachineAddress.isOne(address) else {
            metMachineAddress = true
            return CURL_SOCKET_BAD
        }
        return claviger_curl_open(address)
    }

    /// Takes body bytes; returns how many were accepted, fewer than given ends the exchange.
    func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch sink.receive(bytes) {
        case .taken: return bytes.count
        case .paused: return Int(CURL_WRITEFUNC_PAUSE)
        case .refused(let limit):
            exceededLimit = limit
            return 0
        }
    }

    /// Takes one header line; a status line starts over, since interim responses come first. What follows the body
    /// (trailers) counts and is dropped.
    func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Self.maximumHeaderBytes else {
            exceededLimit = Self.maximumHeaderBytes
            return 0
        }
        if hasBegun { return bytes.count }
        if bytes.starts(with: "HTTP/".utf8) {
            responseHeaders = []
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: bytes[..<colon], as: UTF8.self)
            responseHeaders.append((name: name, value: trimmed(bytes[(colon + 1)...])))
        } else if bytes.first == 0x0D || bytes.first == 0x0A {
            beginBody()
        }
        return bytes.count
    }

    private func beginBody() {
        var status = 0
        guard claviger_curl_get_status(easy, &status) == CURLE_OK, status >= 200 else { return }
        hasBegun = true
        sink.begin(status: status, headers: responseHeaders)
    }

    private func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
        var rest = bytes.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(decoding: rest, as: UTF8.self)
    }
}
