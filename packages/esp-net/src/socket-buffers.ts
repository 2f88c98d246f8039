import type { Socket } from 'node:dgram'

/** `Choice:` seconds of a busy P-CSCF. Linux gives the most it allows when asked for more, others refuse. */
const BUFFER_BYTES_WANTED = 64 * 1024 * 1024
/** Below this the system's own default is as good. */
const BUFFER_BYTES_MIN = 64 * 1024

/** Makes the buffers of a bound socket as large as the system allows, so that bursts are not lost in them. */
export function enlargeBuffers(socket: Socket): void {
  largestAccepted((bytes) => socket.setRecvBufferSize(bytes))
  largestAccepted((bytes) => socket.setSendBufferSize(bytes))
}

function largestAccepted(set: (bytes: number) => void): void {
  for (let bytes = BUFFER_BYTES_WANTED; bytes >= BUFFER_BYTES_MIN; bytes /= 2) {
    try {
      set(bytes)
      return
    } catch {
      // Too much for this system: ask for half.
    }
  }
}
