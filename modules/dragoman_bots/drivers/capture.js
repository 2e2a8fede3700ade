// Runs before any script of the page, in each of its frames: takes the remote audio of WebRTC connections,
// mixed, at 16 kHz, and keeps the bot's own microphone silent. Configured by the object given at the end.
((config) => {
  "use strict";
  const { socketUrl, pcmBinding, noteBinding, rateHz, chunkSamples } = config;
  const Native = window.RTCPeerConnection;
  if (!Native) return;
  const NativeSocket = window.WebSocket;
  const note = (what) => { try { window[noteBinding]?.(JSON.stringify(what)); } catch { /* the page goes */ } };

  // --- to the runner: by WebSocket, or where the page or the browser forbids that, by the binding -----------
  let socket = null, socketFailed = false;
  const waiting = [];
  const base64 = (buffer) => {
    let text = "";
    for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const byBinding = (buffer) => window[pcmBinding]?.(base64(buffer));
  const fallBack = () => {
    if (socketFailed) return;
    socketFailed = true;
    note({ kind: "socket_failed" });
    for (const buffer of waiting.splice(0)) byBinding(buffer);
  };
  const connect = () => {
    try {
      socket = new NativeSocket(socketUrl);
    } catch {
      return fallBack();
    }
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { for (const buffer of waiting.splice(0)) socket.send(buffer); };
    socket.onerror = socket.onclose = fallBack;
    setTimeout(() => { if (socket.readyState !== NativeSocket.OPEN) { fallBack(); socket.close(); } }, 3000);
  };
  const deliver = (buffer) => {
    if (socketFailed) byBinding(buffer);
    else if (socket.readyState === NativeSocket.OPEN) socket.send(buffer);
    else waiting.push(buffer);
  };

  // --- the mix ------------------------------------------------------------------------------------------------
  const worklet = `registerProcessor("dragoman-capture", class extends AudioWorkletProcessor {
    constructor({ processorOptions: { size } }) { super(); this.size = size; this.clear(); }
    clear() { this.chunk = new Int16Array(this.size); this.filled = 0; }
    process([channels]) {
      const samples = channels[0], count = samples ? samples.length : 128;
      for (let i = 0; i < count; i++) {
        const value = samples ? Math.max(-1, Math.min(1, samples[i])) : 0;
        this.chunk[this.filled++] = value < 0 ? value * 32768 : value * 32767;
        if (this.filled === this.size) { this.port.postMessage(this.chunk.buffer, [this.chunk.buffer]); this.clear(); }
      }
      return true;
    }
  });`;
  let mixing = null;
  const mix = () => mixing ??= (async () => {
    connect();
    let context;
    try { // Nobody listens here: no sound device is needed.
      context = new AudioContext({ sampleRate: rateHz, sinkId: { type: "none" } });
    } catch {
      context = new AudioContext({ sampleRate: rateHz });
    }
    const module = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module);
    URL.revokeObjectURL(module);
    const node = new AudioWorkletNode(context, "dragoman-capture", {
      numberOfInputs: 1, numberOfOutputs: 1, channelCount: 1, channelCountMode: "explicit",
      channelInterpretation: "speakers", processorOptions: { size: chunkSamples },
    });
    node.port.onmessage = ({ data }) => deliver(data);
    node.connect(context.destination); // it gives silence there; without it nothing would run
    await context.resume();
    note({ kind: "capturing" });
    return { context, node };
  })().catch((error) => { note({ kind: "capture_failed", reason: error.name }); throw error; });

  // --- the tracks: each once, also where two connections carry the same one -----------------------------------
  const entries = [];
  const tell = () => note({ kind: "tracks", count: entries.filter((entry) => entry.source).length });
  const disconnect = (entry) => {
    entry.source?.disconnect();
    entry.element?.remove();
    if (entry.element) entry.element.srcObject = null;
    entry.source = entry.element = null;
  };
  const arrange = async () => {
    for (let i = entries.length - 1; i >= 0; i--) {
      if (entries[i].track.readyState === "ended") disconnect(entries.splice(i, 1)[0]);
    }
    const { context, node } = await mix();
    const newest = new Map(entries.map((entry) => [entry.track.id, entry]));
    for (const entry of entries) {
      if (newest.get(entry.track.id) !== entry) { disconnect(entry); continue; }
      if (entry.source) continue;
      const stream = new MediaStream([entry.track]);
      // Chromium decodes a remote track only while an element plays it.
      entry.element = new Audio();
      entry.element.muted = true;
      entry.element.srcObject = stream;
      entry.element.play().catch(() => {});
      entry.source = context.createMediaStreamSource(stream);
      entry.source.connect(node);
    }
    tell();
  };
  let arranging = Promise.resolve();
  const rearrange = () => { arranging = arranging.then(arrange).catch(() => {}); };
  const take = (track) => {
    if (track.kind !== "audio" || entries.some((entry) => entry.track === track)) return;
    entries.push({ track, source: null, element: null });
    track.addEventListener("ended", rearrange);
    rearrange();
  };
  // close() ends tracks without an event.
  setInterval(() => { if (entries.some(({ track }) => track.readyState === "ended")) rearrange(); }, 500);

  const Hooked = new Proxy(Native, {
    construct(target, given, newTarget) {
      const connection = Reflect.construct(target, given, newTarget);
      connection.addEventListener("track", ({ track }) => take(track));
      return connection;
    },
  });
  window.RTCPeerConnection = Hooked;
  if (window.webkitRTCPeerConnection) window.webkitRTCPeerConnection = Hooked;
  note({ kind: "hooked" });

  // --- the bot has nothing to say and nothing to show ---------------------------------------------------------
  const devices = navigator.mediaDevices;
  if (!devices) return;
  devices.getUserMedia = async ({ audio, video } = {}) => {
    const tracks = [];
    if (audio) tracks.push(new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]);
    if (video) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
      canvas.getContext("2d").fillRect(0, 0, 320, 180);
      tracks.push(canvas.captureStream(1).getVideoTracks()[0]);
    }
    if (!tracks.length) throw new TypeError("At least one of audio and video must be requested");
    return new MediaStream(tracks);
  };
})
