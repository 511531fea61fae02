import CCurl
import Glibc
import Synchronization

/// The thread that drives all transfers of one client through one libcurl multi handle.
///
/// `@unchecked Sendable`: `multi` and `active` belong to the thread; the only call made from outside,
/// `curl_multi_wakeup`, is documented as thread-safe and happens under the mailbox's lock while the handle lives.
final class TransferLoop: @unchecked Sendable {
    private enum Order {
        case begin(Transfer)
        case cancel(Transfer)
        case resume(Transfer)
    }

    private struct Mailbox {
        var orders: [Order] = []
        var isStopped = false
    }

    private let multi: UnsafeMutableRawPointer
    private let mailbox = Mutex(Mailbox())
    private var active: [UnsafeMutableRawPointer: Transfer] = [:]

    private static let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private init(multi: UnsafeMutableRawPointer) {
        self.multi = multi
    }

    static func start() throws(HTTPTransportError) -> TransferLoop {
        guard libraryIsReady, let multi = curl_multi_init() else {
            throw HTTPTransportError(.failed, "libcurl could not be initialised.")
        }
        let loop = TransferLoop(multi: multi)
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(loop)
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, retained.toOpaque())
        guard status == 0 else {
            retained.release()
            curl_multi_cleanup(multi)
            throw HTTPTransportError(.failed, "The transfer thread could not be started (error \(status)).")
        }
        pthread_detach(thread)
        return loop
    }

    func begin(_ transfer: Transfer) {
        if !post(.begin(transfer)) { transfer.end(Transfer.cancelled) }
    }

    func cancel(_ transfer: Transfer) {
        // Set before the order is posted: a transfer that begins after its cancellation must see it.
        transfer.isCancelled.store(true, ordering: .sequentiallyConsistent)
        _ = post(.cancel(transfer))
    }

    /// Goes on with a transfer that its sink had paused.
    func resume(_ transfer: Transfer) {
        _ = post(.resume(transfer))
    }

    func stop() {
        mailbox.withLock { box in
            box.isStopped = true
            curl_multi_wakeup(multi)
        }
    }

    private func post(_ order: Order) -> Bool {
        mailbox.withLock { box in
            guard !box.isStopped else { return false }
            box.orders.append(order)
            curl_multi_wakeup(multi)
            return true
        }
    }

    private func run() {
        while takeOrders() {
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            finishCompleted()
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        for easy in Array(active.keys) {
            finish(easy, Transfer.cancelled)
        }
        curl_multi_cleanup(multi)
    }

    /// Carries out what was posted; false once the loop is to end.
    private func takeOrders() -> Bool {
        let (orders, isStopped) = mailbox.withLock { box in
            defer { box.orders = [] }
            return (box.orders, box.isStopped)
        }
        for order in orders {
            switch order {
            case .begin(let transfer): start(transfer)
            case .cancel(let transfer): finish(transfer.easy, Transfer.cancelled)
            case .resume(let transfer): unpause(transfer)
            }
        }
        return !isStopped
    }

    private func start(_ transfer: Transfer) {
        guard !transfer.isCancelled.load(ordering: .sequentiallyConsistent) else {
            transfer.end(Transfer.cancelled)
            return
        }
        guard curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
            transfer.end(HTTPTransportError(.failed, "libcurl refused to start the exchange."))
            return
        }
        active[transfer.easy] = transfer
    }

    private func unpause(_ transfer: Transfer) {
        guard active[transfer.easy] != nil else { return }
        let result = curl_easy_pause(transfer.easy, CURLPAUSE_CONT)
        if result != CURLE_OK { finish(transfer.easy, transfer.failure(result)) }
    }

    private func finishCompleted() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = claviger_curl_message_result(message)
            guard let transfer = active[easy] else { continue }
            finish(easy, transfer.failure(result))
        }
    }

    private func finish(_ easy: UnsafeMutableRawPointer, _ failure: HTTPTransportError?) {
        guard let transfer = active.removeValue(forKey: easy) else { return }
        curl_multi_remove_handle(multi, easy)
        transfer.end(failure)
    }
}
