#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <malloc.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAXIMUM_READY = 64, MAXIMUM_DESCRIPTORS = 1 << 20 };

int claviger_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int claviger_epoll_watch(int epoll, int descriptor, uint64_t tag, bool writable, bool known) {
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data = {.u64 = tag}};
    return epoll_ctl(epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
}

int claviger_epoll_forget(int epoll, int descriptor) { return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL); }

int claviger_epoll_wait(int epoll, struct claviger_ready *ready, int capacity, int milliseconds) {
    struct epoll_event events[MAXIMUM_READY];
    int limit = capacity < MAXIMUM_READY ? capacity : MAXIMUM_READY;
    int count = epoll_wait(epoll, events, limit, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -1;
    for (int i = 0; i < count; i++) {
        ready[i].tag = events[i].data.u64;
        ready[i].readable = (events[i].events & EPOLLIN) != 0;
        ready[i].writable = (events[i].events & EPOLLOUT) != 0;
        ready[i].failed = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0;
    }
    return count;
}

int claviger_event_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void claviger_event_raise(int descriptor) {
    uint64_t one = 1;
    while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void claviger_event_clear(int descriptor) {
    uint64_t value;
    while (read(descriptor, &value, sizeof value) < 0 && errno == EINTR) {
    }
}

void claviger_thread_yield_to_others(void) {
    struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

// Descriptors above the standard ones end at the exec; the report pipe is needed until then.
static void close_inherited(void) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0) return;
#endif
    // Kernels and sandboxes without that call.
    struct rlimit limit = {.rlim_cur = MAXIMUM_DESCRIPTORS};
    getrlimit(RLIMIT_NOFILE, &limit);
    int count = limit.rlim_cur < MAXIMUM_DESCRIPTORS ? (int)limit.rlim_cur : MAXIMUM_DESCRIPTORS;
    for (int descriptor = 3; descriptor < count; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

// Only async-signal-safe calls are allowed here: other threads of the parent may have held any lock at the fork.
static int prepare_child(const struct claviger_child *child, pid_t parent) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (child->new_session) setsid();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int input = child->input < 0 ? null : child->input;
    int output = child->output < 0 ? null : child->output;
    int errors = child->errors < 0 ? null : child->errors;
    // Each may stand on the place of another, so copies above all three are taken first.
    input = fcntl(input, F_DUPFD_CLOEXEC, 3);
    output = fcntl(output, F_DUPFD_CLOEXEC, 3);
    errors = fcntl(errors, F_DUPFD_CLOEXEC, 3);
    if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) return errno;
    if (child->changes_user) {
        if (setgroups(1, &child->group) < 0) return errno;
        if (setresgid(child->group, child->group, child->group) < 0) return errno;
        if (setresuid(child->user, child->user, child->user) < 0) return errno;
    }
    // A change of credentials forgets the signal, so it is asked for afterwards.
    if (child->parent_death_signal != 0) {
        if (prctl(PR_SET_PDEATHSIG, child->parent_death_signal) < 0) return errno;
        if (getppid() != parent) return ESRCH;
    }
    if (child->directory != NULL && chdir(child->directory) < 0) return errno;
    umask(child->file_mask);
    close_inherited();
    execve(child->path, child->arguments, child->environment);
    return errno;
}

int claviger_spawn(const struct claviger_child *child, pid_t *process) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return errno;
    pid_t parent = getpid();
    pid_t id = fork();
    if (id < 0) {
        int failure = errno;
        close(report[0]);
        close(report[1]);
        return failure;
    }
    if (id == 0) {
        // dup2 onto 0..2 must not hit the report pipe.
        int failure = report[1] > 2 ? prepare_child(child, parent) : EBADF;
        while (write(report[1], &failure, sizeof failure) < 0 && errno == EINTR) {
        }
        _exit(127);
    }
    close(report[1]);
    int failure = 0;
    ssize_t count;
    do {
        count = read(report[0], &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count == (ssize_t)sizeof failure) {
        claviger_wait(id);
        return failure;
    }
    *process = id;
    return 0;
}

enum { NOTED_DESCRIPTORS = 1024 };

static struct {
    sigset_t blocked;
    sigset_t ignored;
    mode_t file_mask;
    bool is_noted;
    bool stays_open[NOTED_DESCRIPTORS];
} start;

void claviger_note_start(void) {
    pthread_sigmask(SIG_SETMASK, NULL, &start.blocked);
    sigemptyset(&start.ignored);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) sigaddset(&start.ignored, number);
    }
    start.file_mask = umask(0);
    umask(start.file_mask);
    for (int descriptor = 3; descriptor < NOTED_DESCRIPTORS; descriptor++) {
        int flags = fcntl(descriptor, F_GETFD);
        start.stays_open[descriptor] = flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    start.is_noted = true;
}

int claviger_become(char *const *arguments, char *const *environment) {
    if (!start.is_noted) return EINVAL;
    // Caught signals get their default at the exec, ignored ones do not.
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action = {.sa_handler = sigismember(&start.ignored, number) == 1 ? SIG_IGN : SIG_DFL};
        sigaction(number, &action, NULL);
    }
    umask(start.file_mask);
    close_inherited();
    for (int descriptor = 3; descriptor < NOTED_DESCRIPTORS; descriptor++) {
        if (start.stays_open[descriptor]) fcntl(descriptor, F_SETFD, 0);
    }
    pthread_sigmask(SIG_SETMASK, &start.blocked, NULL);
    execvpe(arguments[0], arguments, environment);
    return errno;
}

char *const *claviger_environment(void) { return environ; }

int claviger_wait(pid_t process) {
    int status;
    pid_t ended;
    do {
        ended = waitpid(process, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (ended < 0) return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int claviger_await_end(pid_t process) {
    siginfo_t info;
    int status;
    do {
        status = waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT);
    } while (status < 0 && errno == EINTR);
    return status;
}

bool claviger_has_ended(pid_t process) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

int claviger_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

void claviger_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

int claviger_device_control(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

/// Whether the loader wrote into code or constants, so that their files no longer say what they are.
static bool has_relocated_text(const struct dl_phdr_info *object) {
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[index];
        if (header->p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + header->p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL) return true;
            if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
        }
    }
    return false;
}

static int release_pages(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size;
    (void)unused;
    if (has_relocated_text(object)) return 0;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[index];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) != 0) continue;
        const uintptr_t start = (object->dlpi_addr + header->p_vaddr) & ~(page - 1);
        const uintptr_t end = (object->dlpi_addr + header->p_vaddr + header->p_filesz + page - 1) & ~(page - 1);
        // The pages come back from their file when they are next used. What a tracer wrote into them does not.
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void claviger_release_start(void) {
    dl_iterate_phdr(release_pages, NULL);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

int claviger_find_user(const char *name, uid_t *user, gid_t *group) {
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL) return -1;
    *user = entry.pw_uid;
    *group = entry.pw_gid;
    return 0;
}

int claviger_lock_file(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}
