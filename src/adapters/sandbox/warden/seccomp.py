"""The system calls a recipe never needs, refused by a classic BPF program assembled here.

What is listed answers EPERM, so that a library that merely probes goes on without it; clone3 answers ENOSYS, because its
flags lie behind a pointer that a filter cannot read and every C library then falls back to clone. Unknown machines get no filter.

Sandboxes that run side by side see the same files of the system, and watching one tells when another opens it: nobody may watch. What else they
share no filter can list; an auditor hears nothing of its predictor because that is dead before the auditor starts (auditor.py).
"""
import ctypes
import platform
import struct

EPERM, ENOSYS = 1, 38
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCH, ARGUMENT0, ARGUMENT1, ARGUMENT2 = 0, 4, 16, 24, 32
NAMESPACES = 0x7E020000  # every CLONE_NEW… flag that clone knows
UNIX, INET, INET6, NETLINK, ROUTES = 1, 2, 10, 16, 0
PUSH_INPUT = 0x5412  # TIOCSTI types into somebody else's terminal

# The same number everywhere since Linux 5.1: io_uring, the new mount interface, pidfd_getfd, mount_setattr.
UNIFIED = [425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442]
X86_64 = {
    'arch': 0xC000003E, 'clone': 56, 'socket': 41, 'ioctl': 16,
    # ptrace syslog modify_ldt pivot_root adjtimex chroot acct settimeofday mount umount2 swapon swapoff reboot sethostname
    # setdomainname iopl ioperm init_module delete_module quotactl clock_settime kexec_load add_key request_key keyctl unshare
    # move_pages perf_event_open fanotify_init name_to_handle_at open_by_handle_at clock_adjtime setns process_vm_readv
    # process_vm_writev kcmp finit_module kexec_file_load bpf userfaultfd inotify_init inotify_init1
    'refused': [101, 103, 154, 155, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 175, 176, 179, 227, 246, 248,
                249, 250, 272, 279, 298, 300, 303, 304, 305, 308, 310, 311, 312, 313, 320, 321, 323, 253, 294],
}
AARCH64 = {
    'arch': 0xC00000B7, 'clone': 220, 'socket': 198, 'ioctl': 29,
    # umount2 mount pivot_root chroot quotactl acct unshare kexec_load init_module delete_module clock_settime syslog ptrace reboot
    # sethostname setdomainname settimeofday adjtimex add_key request_key keyctl swapon swapoff move_pages perf_event_open
    # fanotify_init name_to_handle_at open_by_handle_at clock_adjtime setns process_vm_readv process_vm_writev kcmp finit_module
    # bpf userfaultfd kexec_file_load inotify_init1
    'refused': [39, 40, 41, 51, 60, 89, 97, 104, 105, 106, 112, 116, 117, 142, 161, 162, 170, 171, 217, 218, 219, 224, 225, 239, 241,
                262, 264, 265, 266, 268, 270, 271, 272, 273, 280, 282, 294, 26],
}
CLONE3 = 435


def program(routes=False):
    """The filter as bytes for `bwrap --seccomp` or `install`; None on a machine whose call numbers are not known here. With `routes` a command may
    ask for its network's interfaces: NCCL starts on no GPU without, and finds the loopback of an empty network."""
    machine = {'x86_64': X86_64, 'aarch64': AARCH64}.get(platform.machine())
    if machine is None:
        return None
    code = []

    def step(operation, value, then=0, otherwise=0):
        code.append(struct.pack('=HBBI', operation, then, otherwise, value))

    step(LOAD, ARCH)
    step(EQUAL, machine['arch'], 1, 0)
    step(RETURN, KILL)
    step(LOAD, NUMBER)
    if machine is X86_64:
        step(AT_LEAST, 0x40000000, 0, 1)  # the x32 numbers would slip past the list
        step(RETURN, ERRNO | EPERM)
    step(EQUAL, CLONE3, 0, 1)
    step(RETURN, ERRNO | ENOSYS)
    for number in machine['refused'] + UNIFIED:
        step(EQUAL, number, 0, 1)
        step(RETURN, ERRNO | EPERM)
    step(EQUAL, machine['clone'], 0, 4)
    step(LOAD, ARGUMENT0)
    step(ANY_BIT, NAMESPACES, 0, 1)
    step(RETURN, ERRNO | EPERM)
    step(RETURN, ALLOW)
    step(EQUAL, machine['ioctl'], 0, 4)
    step(LOAD, ARGUMENT1)
    step(EQUAL, PUSH_INPUT, 0, 1)
    step(RETURN, ERRNO | EPERM)
    step(RETURN, ALLOW)
    more = 3 if routes else 0
    step(EQUAL, machine['socket'], 0, 5 + more)
    step(LOAD, ARGUMENT0)
    step(EQUAL, UNIX, 3 + more, 0)
    step(EQUAL, INET, 2 + more, 0)
    step(EQUAL, INET6, 1 + more, 0)
    if routes:
        step(EQUAL, NETLINK, 0, 2)
        step(LOAD, ARGUMENT2)
        step(EQUAL, ROUTES, 1, 0)
    step(RETURN, ERRNO | EPERM)
    step(RETURN, ALLOW)
    return b''.join(code)


class _Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]


def install(libc, code):
    """Puts the filter on the calling process, which must have given up new privileges already."""
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = _Program(len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(22, 2, ctypes.byref(filter_program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'the seccomp filter was refused')
