/*
 * Remembers what a power cut would leave. Preloaded into a server (LD_PRELOAD), it notes for each file
 * how long it was when its last fsync began, and for each directory which files it had when it was last
 * synced: as hard links, so that what is deleted later can come back. disk.ts reads the notes after
 * SIGKILL and takes away the rest. Notes are written with plain system calls, so a kill leaves them whole.
 *
 * In the folder that POWER_CUT_FOLDER names:
 *   journal      one line an fsync:   file <inode> <length>   or   directory <inode> <snapshot>
 *   <snapshot>/  hard links of the files that the directory had
 *   stalled      while it is there, no fsync returns: the disk hangs
 *
 * Assumed: files only grow or are replaced whole, as a server's append-only files, manifests and
 * snapshots are. Linux only.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STALL_POLL_MICROSECONDS 1000
#define LINE_BYTES_MAX 128

static int notes = -1;
static atomic_uint snapshots;

__attribute__((constructor)) static void open_notes(void) {
  const char *folder = getenv("POWER_CUT_FOLDER");
  if (folder != NULL) notes = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Without notes a test would pass or fail by chance, so the server ends instead. */
static void give_up(const char *what) {
  perror(what);
  abort();
}

static int stalled(void) { return faccessat(notes, "stalled", F_OK, 0) == 0; }

/* Opened for each line: whoever starts the server again begins a new journal. */
static void note(const char *line, int length) {
  int journal = openat(notes, "journal", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal < 0) give_up("power-cut: journal");
  if (write(journal, line, length) != length) give_up("power-cut: journal");
  close(journal);
}

static void note_file(const struct stat *file) {
  char line[LINE_BYTES_MAX];
  note(line, snprintf(line, sizeof line, "file %llu %lld\n", (unsigned long long)file->st_ino,
                      (long long)file->st_size));
}

/* Links every regular file of a directory into a snapshot of its own. */
static void link_files(int fd, int snapshot) {
  int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = copy < 0 ? NULL : fdopendir(copy);
  if (directory == NULL) give_up("power-cut: directory");
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    struct stat file;
    if (fstatat(fd, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(file.st_mode)) continue;
    /* Another thread may have deleted it since. */
    if (linkat(fd, entry->d_name, snapshot, entry->d_name, 0) != 0 && errno != ENOENT)
      give_up("power-cut: link");
  }
  closedir(directory);
}

/* The name holds the process, because a forked child counts on from where its parent was. */
static int make_snapshot(int fd, char *name, size_t size) {
  snprintf(name, size, "%d-%u", (int)getpid(), atomic_fetch_add(&snapshots, 1));
  if (mkdirat(notes, name, 0700) != 0) give_up("power-cut: snapshot");
  int snapshot = openat(notes, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (snapshot < 0) give_up("power-cut: snapshot");
  link_files(fd, snapshot);
  return snapshot;
}

static int sync_directory(int fd, const struct stat *directory, long call) {
  char name[NAME_MAX], line[LINE_BYTES_MAX];
  close(make_snapshot(fd, name, sizeof name));
  int result = syscall(call, fd);
  if (result == 0)
    note(line, snprintf(line, sizeof line, "directory %llu %s\n",
                        (unsigned long long)directory->st_ino, name));
  return result;
}

/*
 * What is written while an fsync runs may miss it, so the length is taken before. And it is taken before
 * the disk is asked whether it stalls: what is written after the stall began is never counted.
 */
static int sync_with_notes(int fd, long call) {
  struct stat file;
  if (notes < 0) return syscall(call, fd);
  for (;;) {
    if (fstat(fd, &file) != 0) return syscall(call, fd);
    if (!S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode)) return syscall(call, fd);
    if (!stalled()) break;
    usleep(STALL_POLL_MICROSECONDS);
  }
  if (S_ISDIR(file.st_mode)) return sync_directory(fd, &file, call);
  int result = syscall(call, fd);
  if (result == 0) note_file(&file);
  return result;
}

int fsync(int fd) { return sync_with_notes(fd, SYS_fsync); }

int fdatasync(int fd) { return sync_with_notes(fd, SYS_fdatasync); }
