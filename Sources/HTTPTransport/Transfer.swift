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
    let maximumResponseBytes: Int

    private let errorText: UnsafeMutablePointer<CChar>
    private let requestBody: UnsafeMutableRawBufferPointer
    private var headerList: UnsafeMutablePointer<curl_slist>?

    private(set) var responseHeaders: [(name: String, value: String)] = []
    private(set) var responseBody: [UInt8] = []
    private var headerBytes = 0
    private(set) var isTooLarge = false
    private var metMachineAddress = false

    init(
        request: HTTPRequest, configuration: HTTPClientConfiguration, trust: TrustAnchors
    ) throws(HTTPTransportError) {
        guard let handle = curl_easy_init() else {
            throw HTTPTransportError(.failed, "libcurl could not make a handle.")
        }
        easy = handle
        maximumResponseBytes = configuration.maximumResponseBytes
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        // libcurl reads the body where it lies, so it needs an address that stays.
        requestBody = .allocate(byteCount: max(request.body?.count ?? 0, 1), alignment: 1)
        requestBody.copyBytes(from: request.body ?? [])

        let setup = TransferSetup(easy: easy)
        setup.apply(configuration, trust)
        setup.apply(request, body: requestBody.baseAddress)
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

    /// What came of it, once libcurl has finished with `code`.
    func outcome(_ code: CURLcode) -> Result<HTTPResponse, HTTPTransportError> {
        if isTooLarge || code == CURLE_FILESIZE_EXCEEDED {
            return .failure(
                HTTPTransportError(.tooLarge, "The response is larger than \(maximumResponseBytes) bytes."))
        }
        if code != CURLE_OK, metMachineAddress {
            return .failure(
                HTTPTransportError(
                    .forbiddenAddress, "The host has a link-local address or that of a cloud's metadata service."))
        }
        guard code == CURLE_OK else {
            return .failure(HTTPTransportError(curl: code, detail: String(cString: errorText)))
        }
        var status = 0
        guard claviger_curl_get_status(easy, &status) == CURLE_OK, status >= 100 else {
            return .failure(HTTPTransportError(.connectionLost, "The server sent no status."))
        }
        return .success(HTTPResponse(status: status, headers: responseHeaders, body: responseBody))
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
        guard responseBody.count + bytes.count <= maximumResponseBytes else {
            isTooLarge = true
            return 0
        }
        responseBody.append(contentsOf: bytes)
        return bytes.count
    }

    /// Takes one header line; a status line starts over, since interim responses come first.
    func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Self.maximumHeaderBytes else {
            isTooLarge = true
            return 0
        }
        if bytes.starts(with: "HTTP/".utf8) {
            responseHeaders = []
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: bytes[..<colon], as: UTF8.self)
            responseHeaders.append((name: name, value: trimmed(bytes[(colon + 1)...])))
        }
        return bytes.count
    }

    private func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
        var rest = bytes.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(decoding: rest, as: UTF8.self)
    }
}
