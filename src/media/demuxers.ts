/**
 * Allow list of FFmpeg demuxers. A demuxer is allowed if it recognises files by content, reads no other file, and its
 * files contain sound or moving pictures. All others are listed with a reason for the error message.
 * `demuxers.test.ts` fails for a demuxer of the build that is in neither list.
 *
 * Names are FFmpeg's. One demuxer may have several: `matroska,webm`.
 */

/** Reason why a demuxer is refused. */
export type Refusal = 'linked' | 'device' | 'picture' | 'text' | 'bare';

const PICTURES_AND_SOUND = `
  mov,mp4,m4a,3gp,3g2,mj2 matroska,webm mpegts mpegtsraw mpeg avi flv live_flv kux asf asf_o mxf ogg gxf wtv nut rm ivr
  dv swf nsv nuv ty pva lxf xmv usm r3d cine mtv vivo dhav ifv luodat lvf nc hxvs iv8 ser smjpeg mpjpeg msnwctcp psxstr
  4xm anm avs bethsoftvid bfi bink c93 cdg cdxl dfa dsicin dxa ea ea_cdata film_cpk flic gdv hnm idcin iff ipmovie iss
  jv lmlm4 mgsts mm mods moflex mv paf pdv pmp rl2 roq rpl sga siff simbiosis_imx smk smush thp tiertexseq tmv vividas
  vmd wc3movie wsvqa yop`;

const MOVING_PICTURES = `
  h261 h263 h264 hevc vvc m4v mpegvideo vc1 vc1test av1 obu ivf apv avs2 avs3 cavsvideo dirac dnxhd evc ipu ingenient
  mjpeg mjpeg_2000 yuv4mpegpipe gif apng webp_anim jpegxl_anim`;

const SOUND = `
  wav w64 flac mp3 aac aiff au caf ac3 ac4 eac3 amr amrnb amrwb ape dsf dss dts dtshd gsm iamf ilbc ircam laf lc3 loas
  mlp truehd mpc mpc8 nistsphere nsp oma osq pvf qcp qoa rka s337m shn sox spdif tak tta voc vqf wavarc wsd wv wve xwma
  codec2 libopenmpt 3dostr aa aax ace acm act adp ads adx aea aix alp apac apc apm argo_asf argo_brp argo_cvg ast avr
  bfstm binka bit boa bonk brstm dcstr derf epaf fsb fwse genh hca hcom kvag mca mmf msf mtaf musx pp_bnk redspark rsd
  scd sdns sdr2 sds sdx sol svag svs vag vpk wady wsaud xa xmd xvag`;

/** Names of the allowed demuxers. */
export const ALLOWED: readonly string[] = names(PICTURES_AND_SOUND + MOVING_PICTURES + SOUND);

/** Names of the refused demuxers, by reason. */
export const REFUSED: Readonly<Record<Refusal, readonly string[]>> = {
  // They open files or addresses named in the file (playlists, scripts, session descriptions), or sibling files (mlv, vobsub).
  linked: names(`
    avisynth concat dash hls image2 imf mlv rtp rtsp sap sdp vapoursynth vobsub webm_dash_manifest`),
  device: names(`
    alsa android_camera avfoundation bktr decklink dshow dvdvideo fbdev gdigrab iec61883 jack kmsgrab lavfi libcdio
    libdc1394 openal oss pulse sndio vfwcap video4linux2,v4l2 x11grab`),
  picture: names(`
    alias_pix bmp_pipe brender_pix cri_pipe dds_pipe dpx_pipe exr_pipe fits frm gem_pipe gif_pipe hdr_pipe ico image2pipe
    j2k_pipe jpeg_pipe jpegls_pipe jpegxl_pipe jpegxs_pipe msp pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe
    pgx_pipe phm_pipe photocd_pipe pictor_pipe png_pipe ppm_pipe psd_pipe qdraw_pipe qoi_pipe sgi_pipe sunrast_pipe
    svg_pipe tiff_pipe txd vbn_pipe webp_pipe xbm_pipe xpm_pipe xwd_pipe`),
  // Subtitles, text art, and scripts for sound synthesis (sbg).
  text: names(`
    adf aqtitle ass bin dvbsub dvbtxt ffmetadata idf jacosub lrc mcc microdvd mpl2 mpsub pjs rcwt realtext sami sbg scc
    srt stl subviewer subviewer1 sup tedcaptions tty vplayer webvtt xbin`),
  // Samples or frames without a header: recognisable by file name at best.
  bare: names(`
    afc alaw aptx aptx_hd bitpacked bmv codec2raw data daud dfpwm f32be f32le f64be f64le filmstrip g722 g723_1 g726
    g726le g728 g729 mulaw mvi mxg rawvideo rso s16be s16le s24be s24le s32be s32le s8 sbc sln u16be u16le u24be u24le
    u32be u32le u8 v210 v210x vidc`),
};

/** Formats of still and animated pictures. Only the packets show which one a file is. */
export const ANIMATIONS: readonly string[] = ['gif', 'apng', 'webp_anim', 'jpegxl_anim'];

/** Reason why a demuxer is refused; undefined for an allowed one. */
export function refusalOf(name: string): Refusal | undefined {
  const reasons = Object.keys(REFUSED) as Refusal[];
  return reasons.find((reason) => REFUSED[reason].includes(name));
}

function names(list: string): string[] {
  return list.trim().split(/\s+/);
}
