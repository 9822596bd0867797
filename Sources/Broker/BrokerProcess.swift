// The broker as a process of its own, until a signal ends it.
import CPlatform
import Glibc
public import Platform

public enum BrokerProcess {
    /// Runs a broker in this process and blocks until SIGTERM or SIGINT; returns the exit status.
    public static func run(directory: String, port: UInt16 = 0, settings: Settings = .process) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        // A limit on file sizes is then an error of write(2) like a full disk.
        signal(SIGXFSZ, SIG_IGN)
        var stopSignals = sigset_t()
        // The signals are blocked in every thread and read from a descriptor, as one more event of the loop.
        unsafe sigemptyset(&stopSignals)
        unsafe sigaddset(&stopSignals, SIGTERM)
        unsafe sigaddset(&stopSignals, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &stopSignals, nil)
        let stopDescriptor = unsafe signalfd(-1, &stopSignals, Int32(SFD_CLOEXEC))
        prepareProcess()
        do {
            let node = try BrokerNode(directory: directory, port: port, settings: try BrokerSettings(settings))
            Log.info(
                "embedded broker for this machine only: one node, loopback, no replication, no security",
                ["bootstrap": LogValue("127.0.0.1:\(node.port)"), "directory": LogValue(directory)])
            node.run(stopDescriptor: stopDescriptor)
            Log.info("embedded broker stopped")
            return 0
        } catch {
            Log.error("embedded broker cannot start", ["error": LogValue(describing: error)])
            return SettingsError.exitStatus(of: error)
        }
    }

    private static func prepareProcess() {
        // Freed buffers of some size go back to the system at once instead of staying in the heap.
        _ = mallopt(M_MMAP_THRESHOLD, 256 * 1024)
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
