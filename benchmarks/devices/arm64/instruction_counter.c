/* A plugin of qemu-aarch64 (plugin API 1, qemu 6 to 8) that counts the executed instructions of marked regions.
 *
 *   qemu-aarch64 -plugin instruction_counter.so,out=FILE ...
 *
 * The guest marks a region with getpgid(0x7ead0000 + tag): tag 0 starts one, any other tag ends it. Each end appends a
 * line of JSON to FILE. Counts are exact while one thread runs: the threads of a guest add to them without a lock.
 *
 * The few declarations of the plugin API stand here, so no header of qemu is needed to compile this. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "instruction_kinds.h"

#define EXPORTED __attribute__((visibility("default")))
#define GETPGID 155 /* System call number on arm64 */
#define MARK 0x7ead0000u

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct plugin_info {
    const char *target_name;
};
typedef void (*translation_callback)(plugin_id, struct qemu_plugin_tb *);
typedef void (*system_call_callback)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                     uint64_t, uint64_t, uint64_t);
enum { INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translation_callback);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, system_call_callback);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *target, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

EXPORTED int qemu_plugin_version = 1;

/* The names of Counts in counter.py, in the order of the kinds; the total comes last. */
static const char *const NAMES[KIND_COUNT + 1] = {"simd", "load_store", "branch", "dot_product",
                                                  "int8_matmul", "fmla", "sve", "total"};
static uint64_t executed[KIND_COUNT + 1], at_start[KIND_COUNT + 1];
static char out_path[4096];

/* Classify a block once, when it is translated; each execution then adds its sums. */
static void on_translation(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    size_t length = qemu_plugin_tb_n_insns(block);
    uint64_t sums[KIND_COUNT + 1] = {[KIND_COUNT] = length};
    for (size_t i = 0; i < length; i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
        unsigned kinds = instruction_kinds(word);
        for (int kind = 0; kind < KIND_COUNT; kind++) {
            sums[kind] += kinds >> kind & 1;
        }
    }
    for (int kind = 0; kind <= KIND_COUNT; kind++) {
        if (sums[kind]) {
            qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &executed[kind], sums[kind]);
        }
    }
}

/* The file is open only here, so that it takes no file descriptor of the guest. */
static void append_region(unsigned tag)
{
    FILE *out = fopen(out_path, "a");
    if (!out) {
        perror(out_path);
        return;
    }
    fprintf(out, "{\"region\": %u", tag);
    for (int kind = 0; kind <= KIND_COUNT; kind++) {
        fprintf(out, ", \"%s\": %llu", NAMES[kind], (unsigned long long)(executed[kind] - at_start[kind]));
    }
    fputs("}\n", out);
    fclose(out);
}

static void on_system_call(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t a2, uint64_t a3,
                           uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    uint32_t argument = (uint32_t)first;
    if (number != GETPGID || (argument & 0xffff0000u) != MARK) {
        return;
    }
    unsigned tag = argument & 0xffffu;
    if (tag) {
        append_region(tag);
    } else {
        memcpy(at_start, executed, sizeof executed);
    }
}

EXPORTED int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int count, char **arguments)
{
    if (strcmp(info->target_name, "aarch64") != 0) {
        fprintf(stderr, "instruction_counter: it knows the instructions of aarch64, not of %s\n", info->target_name);
        return -1;
    }
    if (count != 1 || strncmp(arguments[0], "out=", 4) != 0 || strlen(arguments[0] + 4) >= sizeof out_path) {
        fprintf(stderr, "instruction_counter: its one argument is out=FILE\n");
        return -1;
    }
    strcpy(out_path, arguments[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_system_call);
    return 0;
}
