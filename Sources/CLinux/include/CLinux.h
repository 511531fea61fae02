#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// What an epoll set reported for one file descriptor.
struct claviger_ready {
    uint64_t tag;
    bool readable;
    bool writable;
    bool failed;
};

/// Makes a close-on-exec epoll set. Returns its file descriptor, or -1 with errno.
int claviger_epoll_create(void);

/// Adds (or, if `known`, changes) a descriptor: always watched for input, for output if `writable`. Level triggered.
int claviger_epoll_watch(int epoll, int descriptor, uint64_t tag, bool writable, bool known);

/// Takes a descriptor out of the set.
int claviger_epoll_forget(int epoll, int descriptor);

/// Waits at most `milliseconds` (-1: for ever). Returns the number of entries written to `ready`; an interrupted wait is 0.
int claviger_epoll_wait(int epoll, struct claviger_ready *ready, int capacity, int milliseconds);

/// Makes a non-blocking close-on-exec eventfd. Returns it, or -1 with errno.
int claviger_event_create(void);

/// Makes the eventfd readable.
void claviger_event_raise(int descriptor);

/// Makes the eventfd unreadable again.
void claviger_event_clear(int descriptor);

/// Lets the calling thread wait for the processor until the running thread pauses (SCHED_BATCH), without changing its
/// share. Where the system refuses, nothing changes.
void claviger_thread_yield_to_others(void);

/// How to start a child process.
struct claviger_child {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    /// Used only if `changes_user`.
    uid_t user;
    gid_t group;
    bool changes_user;
    /// Standard input; -1 for /dev/null.
    int input;
    /// Standard output; -1 for /dev/null.
    int output;
    /// Standard error; -1 for /dev/null.
    int errors;
    mode_t file_mask;
    /// Signal that the kernel sends when the calling *thread* ends; 0 for none.
    int parent_death_signal;
    bool new_session;
};

/// Forks and executes. Returns 0 and the child's id, or the errno of the step that failed (also of a failed exec).
int claviger_spawn(const struct claviger_child *child, pid_t *process);

/// Remembers what this process was given and libraries may change: blocked and ignored signals, the file mask, descriptors
/// that stay open at an exec. To be called once, before anything else runs.
void claviger_note_start(void);

/// Becomes another program, looked for in `PATH` unless its name has a slash. It inherits what `claviger_note_start` found,
/// and no descriptor that was opened since. Returns errno if that fails.
int claviger_become(char *const *arguments, char *const *environment);

/// This process's environment, `NAME=value` each, ended by NULL.
char *const *claviger_environment(void);

/// Waits for a child. Returns its exit status, 128 + signal if it was killed, or -1 with errno.
int claviger_wait(pid_t process);

/// Waits until a child has ended and leaves it to `claviger_wait`, so its id is not given away yet.
int claviger_await_end(pid_t process);

/// Whether a child has ended; leaves it to `claviger_wait`.
bool claviger_has_ended(pid_t process);

/// Makes a close-on-exec pipe: `ends[0]` to read, `ends[1]` to write. Returns 0, or -1 with errno.
int claviger_pipe(int ends[2]);

/// Locks an open file for writing (an open file description lock, which flock(2) of other programs does not meet), without
/// waiting. Returns 0, or -1 with errno.
int claviger_lock_file(int descriptor);

/// Names the calling thread (at most 15 bytes are kept).
void claviger_name_thread(const char *name);

/// Asks the driver behind an open file for something of its own (ioctl). Returns the driver's answer, or -1 with errno; a
/// call that a signal interrupted is not repeated.
int claviger_device_control(int descriptor, unsigned long request, void *argument);

/// Gives back memory that only the start needed: pages of code and constants of the program and its libraries, which the
/// kernel reads from their files again when they are used, and free room of the allocator.
void claviger_release_start(void);

/// Looks a user up by name. Returns 0 and the ids, or -1 if there is no such user.
int claviger_find_user(const char *name, uid_t *user, gid_t *group);

#endif
