/* Kinds of A64 instructions by their encoding: Arm Architecture Reference Manual (DDI 0487), C4.1 "A64 instruction set
 * encoding" and the pages of the instructions in C7.2. An instruction may be of several kinds. */
#ifndef EDGESR_INSTRUCTION_KINDS_H
#define EDGESR_INSTRUCTION_KINDS_H

#include <stddef.h>
#include <stdint.h>

enum {
    KIND_SIMD,        /* Data processing, scalar floating point and Advanced SIMD, without loads and stores */
    KIND_LOAD_STORE,  /* Loads, stores, atomics and prefetches, of all registers */
    KIND_BRANCH,      /* Branches, calls and returns, taken or not; no exceptions, hints or barriers */
    KIND_DOT_PRODUCT, /* SDOT, UDOT, USDOT and SUDOT, vector and by element: 4 products of 8 bits a 32-bit lane */
    KIND_INT8_MATMUL, /* SMMLA, UMMLA and USMMLA: products of 2x8 and 8x2 matrices of 8 bits */
    KIND_FMLA,        /* FMLA of vectors, vector and by element, float16, float32 and float64; not FMLS, FMADD, FMLAL */
    KIND_SVE,         /* All of SVE */
    KIND_COUNT
};

struct instruction_pattern {
    uint32_t mask, value;
    int kind;
};

static const struct instruction_pattern INSTRUCTION_PATTERNS[] = {
    /* Main groups by bits 28-25 */
    {0x0e000000, 0x0e000000, KIND_SIMD},
    {0x0a000000, 0x08000000, KIND_LOAD_STORE},
    {0x1e000000, 0x04000000, KIND_SVE},
    /* Branches within group 101x, which they share with exceptions and system instructions */
    {0x7c000000, 0x14000000, KIND_BRANCH}, /* B, BL */
    {0x7c000000, 0x34000000, KIND_BRANCH}, /* CBZ, CBNZ, TBZ, TBNZ */
    {0xfe000000, 0x54000000, KIND_BRANCH}, /* B.cond */
    {0xfe000000, 0xd6000000, KIND_BRANCH}, /* BR, BLR, RET and their forms with pointer authentication */
    /* Dot products */
    {0x9fe0fc00, 0x0e809400, KIND_DOT_PRODUCT}, /* SDOT, UDOT (vector) */
    {0xbfe0fc00, 0x0e809c00, KIND_DOT_PRODUCT}, /* USDOT (vector) */
    {0x9fc0f400, 0x0f80e000, KIND_DOT_PRODUCT}, /* SDOT, UDOT (by element) */
    {0xbfc0f400, 0x0f80f000, KIND_DOT_PRODUCT}, /* USDOT (by element) */
    {0xbfc0f400, 0x0f00f000, KIND_DOT_PRODUCT}, /* SUDOT (by element) */
    /* Matrix products of 8 bits */
    {0xdfe0fc00, 0x4e80a400, KIND_INT8_MATMUL}, /* SMMLA, UMMLA */
    {0xffe0fc00, 0x4e80ac00, KIND_INT8_MATMUL}, /* USMMLA */
    /* Fused multiply-add */
    {0xbfa0fc00, 0x0e20cc00, KIND_FMLA}, /* FMLA (vector), float32 and float64 */
    {0xbfe0fc00, 0x0e400c00, KIND_FMLA}, /* FMLA (vector), float16 */
    {0xbf80f400, 0x0f801000, KIND_FMLA}, /* FMLA (by element), float32 and float64 */
    {0xbfc0f400, 0x0f001000, KIND_FMLA}, /* FMLA (by element), float16 */
};

/* Bit k is set when the instruction is of kind k. */
static inline unsigned instruction_kinds(uint32_t word)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < sizeof INSTRUCTION_PATTERNS / sizeof *INSTRUCTION_PATTERNS; i++) {
        if ((word & INSTRUCTION_PATTERNS[i].mask) == INSTRUCTION_PATTERNS[i].value) {
            kinds |= 1u << INSTRUCTION_PATTERNS[i].kind;
        }
    }
    return kinds;
}

#endif
