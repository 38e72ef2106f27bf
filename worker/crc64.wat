;; CRC-64/NVME of much, fast: what core/crc64.py computes, by eight tables and in two streams.
;;
;; One byte after the other waits for the one before, a look into a table each time. Eight tables take eight bytes at once
;; ("slicing by 8": Kounavis and Berry, 2005), and two halves of the bytes, next to each other, do not wait for one another; what
;; the first half comes to is then moved over the second as in crc64.py's `combine`. A third stream has no registers left.
;;
;;   memory        the tables, and at `room` 64 KiB for the bytes
;;   room          their address
;;   update(crc, length)   the register after these bytes; all ones before the first, and after the last every bit reversed

(module
  (memory (export "memory") 2)
  (global (export "room") i32 (i32.const 0x10000))
  (global $polynomial i64 (i64.const 0x9A6C9329AC4BC9B5))
  (global $moved (mut i32) (i32.const -1)) ;; the number of bytes that $move was computed for
  (global $move (mut i64) (i64.const 0))

  ;; Table n, at n * 2048: what a byte comes to when n zero bytes follow it.
  (func $fill
    (local $at i32) (local $value i64) (local $bit i32)
    (loop $rows
      (local.set $value (i64.extend_i32_u (i32.shr_u (local.get $at) (i32.const 3))))
      (local.set $bit (i32.const 8))
      (loop $bits
        (local.set $value (call $halve (local.get $value)))
        (br_if $bits (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
      (i64.store (local.get $at) (local.get $value))
      (br_if $rows (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 2048))))
    (loop $rows
      (local.set $value (i64.load (i32.sub (local.get $at) (i32.const 2048))))
      (i64.store (local.get $at) (call $next (local.get $value)))
      (br_if $rows (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 16384)))))
  (start $fill)

  ;; Times x: the highest power stands in the lowest bit.
  (func $halve (param $value i64) (result i64)
    (i64.xor
      (i64.shr_u (local.get $value) (i64.const 1))
      (i64.and (global.get $polynomial) (i64.sub (i64.const 0) (i64.and (local.get $value) (i64.const 1))))))

  ;; The register after a byte that was put into its lowest eight bits.
  (func $next (param $value i64) (result i64)
    (i64.xor
      (i64.shr_u (local.get $value) (i64.const 8))
      (i64.load (i32.and (i32.shl (i32.wrap_i64 (local.get $value)) (i32.const 3)) (i32.const 0x7F8)))))

  (func $multiply (param $left i64) (param $right i64) (result i64)
    (local $product i64)
    (loop $bits
      (local.set $product
        (i64.xor (local.get $product) (i64.and (local.get $right) (i64.shr_s (local.get $left) (i64.const 63)))))
      (local.set $right (call $halve (local.get $right)))
      (br_if $bits (i64.ne (local.tee $left (i64.shl (local.get $left) (i64.const 1))) (i64.const 0))))
    (local.get $product))

  ;; x to the power of the bits in so many bytes, by repeated squaring.
  (func $power (param $length i32) (result i64)
    (local $result i64) (local $square i64)
    (local.set $result (i64.const 0x8000000000000000))
    (local.set $square (i64.const 0x0080000000000000))
    (loop $bits
      (if (i32.and (local.get $length) (i32.const 1))
        (then (local.set $result (call $multiply (local.get $square) (local.get $result)))))
      (local.set $square (call $multiply (local.get $square) (local.get $square)))
      (br_if $bits (local.tee $length (i32.shr_u (local.get $length) (i32.const 1)))))
    (local.get $result))

  (func (export "update") (param $first i64) (param $length i32) (result i64)
    (local $second i64) (local $at i32) (local $half i32) (local $middle i32) (local $end i32)
    (local.set $at (i32.const 0x10000))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (local.set $half (i32.and (i32.shr_u (local.get $length) (i32.const 1)) (i32.const -8)))
    (if (local.get $half)
      (then
        (local.set $middle (i32.add (local.get $at) (local.get $half)))
        (loop $eights
          (local.set $first (i64.xor (local.get $first) (i64.load (local.get $at))))
          (local.set $second (i64.xor (local.get $second) (i64.load (i32.add (local.get $at) (local.get $half)))))
          (local.set $first
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=14336 (i32.and (i32.shl (i32.wrap_i64 (local.get $first)) (i32.const 3)) (i32.const 0x7F8)))
                  (i64.load offset=12288 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 5))) (i32.const 0x7F8))))
                (i64.xor
                  (i64.load offset=10240 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 13))) (i32.const 0x7F8)))
                  (i64.load offset=8192 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 21))) (i32.const 0x7F8)))))
              (i64.xor
                (i64.xor
                  (i64.load offset=6144 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 29))) (i32.const 0x7F8)))
                  (i64.load offset=4096 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 37))) (i32.const 0x7F8))))
                (i64.xor
                  (i64.load offset=2048 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 45))) (i32.const 0x7F8)))
                  (i64.load (i32.and (i32.wrap_i64 (i64.shr_u (local.get $first) (i64.const 53))) (i32.const 0x7F8)))))))
          (local.set $second
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=14336 (i32.and (i32.shl (i32.wrap_i64 (local.get $second)) (i32.const 3)) (i32.const 0x7F8)))
                  (i64.load offset=12288 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 5))) (i32.const 0x7F8))))
                (i64.xor
                  (i64.load offset=10240 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 13))) (i32.const 0x7F8)))
                  (i64.load offset=8192 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 21))) (i32.const 0x7F8)))))
              (i64.xor
                (i64.xor
                  (i64.load offset=6144 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 29))) (i32.const 0x7F8)))
                  (i64.load offset=4096 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 37))) (i32.const 0x7F8))))
                (i64.xor
                  (i64.load offset=2048 (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 45))) (i32.const 0x7F8)))
                  (i64.load (i32.and (i32.wrap_i64 (i64.shr_u (local.get $second) (i64.const 53))) (i32.const 0x7F8)))))))
          (br_if $eights
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $middle))))
        (if (i32.ne (local.get $half) (global.get $moved))
          (then
            (global.set $moved (local.get $half))
            (global.set $move (call $power (local.get $half)))))
        (local.set $first (i64.xor (call $multiply (global.get $move) (local.get $first)) (local.get $second)))
        (local.set $at (i32.add (local.get $middle) (local.get $half)))))
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $first (call $next (i64.xor (local.get $first) (i64.load8_u (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (local.get $first)))
