;; CRC-64/NVME of much, fast (tests/bench/hashing.py): what core/crc64.py computes.
;;
;; The remainder of a division by the CRC's polynomial is that of the remainder of a division by any multiple of it. One of its
;; multiples has eight terms only, all at whole bytes: bytes 0, 168, 598, 725, 1482, 1627, 2061 and 2210 (found among the sums of
;; eight such powers that are zero, by sorting sums of two and of four: the generalized birthday problem, Wagner 2002). To divide
;; by it is to add seven earlier bytes to each byte, sixteen of them at once, and needs no table. What is left, its last 2,210 bytes
;; and a few, are divided by the polynomial itself, eight bytes at once by eight tables ("slicing by 8": Kounavis and Berry, 2005).
;;
;;   memory        the tables, at 0x8000 the rest, before `room` 2,210 bytes that stay zero, and at `room` 128 KiB for the bytes
;;   room          their address
;;   update(crc, length)   the register after these bytes, which are gone then; all ones before the first, and after the last
;;                         every bit reversed

(module
  (memory (export "memory") 3)
  (global (export "room") i32 (i32.const 0x10000))
  (global $polynomial i64 (i64.const 0x9A6C9329AC4BC9B5))

  ;; Table n, at n * 2048: what a byte comes to when n zero bytes follow it.
  (func $fill
    (local $at i32) (local $value i64) (local $bit i32)
    (loop $rows
      (local.set $value (i64.extend_i32_u (i32.shr_u (local.get $at) (i32.const 3))))
      (local.set $bit (i32.const 8))
      (loop $bits
        (local.set $value
          (i64.xor
            (i64.shr_u (local.get $value) (i64.const 1))
            (i64.and (global.get $polynomial) (i64.sub (i64.const 0) (i64.and (local.get $value) (i64.const 1))))))
        (br_if $bits (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
      (i64.store (local.get $at) (local.get $value))
      (br_if $rows (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 2048))))
    (loop $rows
      (local.set $value (i64.load (i32.sub (local.get $at) (i32.const 2048))))
      (i64.store (local.get $at) (call $next (local.get $value)))
      (br_if $rows (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 16384)))))
  (start $fill)

  ;; The register after a byte that was put into its lowest eight bits.
  (func $next (param $value i64) (result i64)
    (i64.xor
      (i64.shr_u (local.get $value) (i64.const 8))
      (i64.load (i32.and (i32.shl (i32.wrap_i64 (local.get $value)) (i32.const 3)) (i32.const 0x7F8)))))

  ;; The register after the bytes between two addresses.
  (func $divide (param $crc i64) (param $at i32) (param $end i32) (result i64)
    (block $few
      (loop $eights
        (br_if $few (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $end)))
        (local.set $crc (i64.xor (local.get $crc) (i64.load (local.get $at))))
        (local.set $crc
          (i64.xor
            (i64.xor
              (i64.xor
                (i64.load offset=14336 (i32.and (i32.shl (i32.wrap_i64 (local.get $crc)) (i32.const 3)) (i32.const 0x7F8)))
                (i64.load offset=12288 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 5))) (i32.const 0x7F8))))
              (i64.xor
                (i64.load offset=10240 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 13))) (i32.const 0x7F8)))
                (i64.load offset=8192 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 21))) (i32.const 0x7F8)))))
            (i64.xor
              (i64.xor
                (i64.load offset=6144 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 29))) (i32.const 0x7F8)))
                (i64.load offset=4096 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 37))) (i32.const 0x7F8))))
              (i64.xor
                (i64.load offset=2048 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 45))) (i32.const 0x7F8)))
                (i64.load (i32.and (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 53))) (i32.const 0x7F8)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $eights)))
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $crc (call $next (i64.xor (local.get $crc) (i64.load8_u (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (local.get $crc))

  ;; Adds to the bytes between `to` and `end` the seven each that stand before those at `at`.
  (func $fold (param $to i32) (param $end i32) (param $at i32)
    (local.set $at (i32.sub (local.get $at) (i32.const 2210)))
    (loop $sixteens
      (v128.store (local.get $to)
        (v128.xor
          (v128.xor
            (v128.xor (v128.load (local.get $to)) (v128.load (local.get $at)))
            (v128.xor (v128.load offset=168 (local.get $at)) (v128.load offset=598 (local.get $at))))
          (v128.xor
            (v128.xor (v128.load offset=725 (local.get $at)) (v128.load offset=1482 (local.get $at)))
            (v128.xor (v128.load offset=1627 (local.get $at)) (v128.load offset=2061 (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $sixteens (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 16))) (local.get $end)))))

  (func (export "update") (param $crc i64) (param $length i32) (result i64)
    (local $at i32) (local $rest i32) (local $left i32)
    (local.set $at (i32.const 0x10000))
    (if (i32.lt_u (local.get $length) (i32.const 8192))
      (then (return (call $divide (local.get $crc) (local.get $at) (i32.add (local.get $at) (local.get $length))))))
    (i64.store (local.get $at) (i64.xor (local.get $crc) (i64.load (local.get $at))))
    (local.set $left (i32.and (i32.sub (local.get $length) (i32.const 2210)) (i32.const -16)))
    (local.set $rest (i32.add (local.get $at) (local.get $left)))
    (local.set $left (i32.sub (local.get $length) (local.get $left)))
    (call $fold (local.get $at) (local.get $rest) (local.get $at))
    (memory.copy (i32.const 0x8000) (local.get $rest) (local.get $left))
    (memory.fill (local.get $rest) (i32.const 0) (local.get $left))
    (call $fold (i32.const 0x8000) (i32.add (i32.const 0x8000) (local.get $left)) (local.get $rest))
    (call $divide (i64.const 0) (i32.const 0x8000) (i32.add (i32.const 0x8000) (local.get $left)))))
