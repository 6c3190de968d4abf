/** Numbers for people. */

export function bytes(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} KB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function seconds(count: number): string {
  if (count < 9.95) return `${count.toFixed(1)}\u00a0s`;
  if (count < 100) return `${Math.round(count)}\u00a0s`;
  const whole = Math.round(count);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function speed(megapixelsPerSecond: number): string {
  return `${megapixelsPerSecond.toPrecision(2)} MP/s`;
}

export function size(width: number, height: number): string {
  return `${width} × ${height}`;
}
