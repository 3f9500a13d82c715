# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of the configuration and of library options, with the values of a new server."""

from __future__ import annotations

from typing import Any

from jellyfin_double.models import Model

_FETCHERS = {
    "MusicVideo": (["The Open Movie Database"], ["The Open Movie Database"]),
    "MusicAlbum": (["TheAudioDB"], []),
    "MusicArtist": (["TheAudioDB"], []),
}
_KINDS = ("Book", "Movie", "MusicVideo", "Series", "MusicAlbum", "MusicArtist", "BoxSet", "Season", "Episode")
_METADATA = Model(
    "MetadataOptions",
    {
        "ItemType": "",
        "DisabledMetadataSavers": [],
        "LocalMetadataReaderOrder": [],
        "DisabledMetadataFetchers": [],
        "MetadataFetcherOrder": [],
        "DisabledImageFetchers": [],
        "ImageFetcherOrder": [],
    },
)
_TRICKPLAY = Model(
    "TrickplayOptions",
    {
        "EnableHwAcceleration": False,
        "EnableHwEncoding": False,
        "EnableKeyFrameOnlyExtraction": False,
        "ScanBehavior": "NonBlocking",
        "ProcessPriority": "BelowNormal",
        "Interval": 10000,
        "WidthResolutions": [320],
        "TileWidth": 10,
        "TileHeight": 10,
        "Qscale": 4,
        "JpegQuality": 90,
        "ProcessThreads": 1,
    },
    enums={
        "ScanBehavior": ("Blocking", "NonBlocking"),
        "ProcessPriority": ("Normal", "Idle", "High", "RealTime", "BelowNormal", "AboveNormal"),
    },
)


def _metadata_options() -> list[dict[str, Any]]:
    options = []
    for kind in _KINDS:
        fetchers, images = _FETCHERS.get(kind, ([], []))
        entry = _METADATA.fresh() | {"ItemType": kind}
        options.append(entry | {"DisabledMetadataFetchers": fetchers, "DisabledImageFetchers": images})
    return options


def server_configuration(version: str) -> Model:
    """Return the configuration after a POST of an empty object; a new server also has NEW_SERVER."""
    return Model(
        "ServerConfiguration",
        {
            "EnableMetrics": False,
            "EnableNormalizedItemByNameIds": True,
            "IsPortAuthorized": False,
            "QuickConnectAvailable": True,
            "EnableCaseSensitiveItemIds": True,
            "DisableLiveTvChannelUserDataName": True,
            "MetadataPath": "",
            "PreferredMetadataLanguage": "en",
            "MetadataCountryCode": "US",
            "SortReplaceCharacters": [".", "+", "%"],
            "SortRemoveCharacters": [",", "&", "-", "{", "}", "'"],
            "SortRemoveWords": ["the", "a", "an"],
            "MinResumePct": 5,
            "MaxResumePct": 90,
            "MinResumeDurationSeconds": 300,
            "MinAudiobookResume": 5,
            "MaxAudiobookResume": 5,
            "InactiveSessionThreshold": 0,
            "LibraryMonitorDelay": 60,
            "LibraryUpdateDuration": 30,
            "CacheSize": 200,
            "ImageSavingConvention": "Legacy",
            "MetadataOptions": _metadata_options(),
            "SkipDeserializationForBasicTypes": True,
            "ServerName": "",
            "UICulture": "en-US",
            "SaveMetadataHidden": False,
            "ContentTypes": [],
            "RemoteClientBitrateLimit": 0,
            "EnableFolderView": False,
            "EnableGroupingMoviesIntoCollections": False,
            "EnableGroupingShowsIntoCollections": False,
            "DisplaySpecialsWithinSeasons": True,
            "CodecsUsed": [],
            "PluginRepositories": [],
            "EnableExternalContentInSuggestions": True,
            "ImageExtractionTimeoutMs": 0,
            "PathSubstitutions": [],
            "EnableSlowResponseWarning": True,
            "SlowResponseThresholdMs": 500,
            "CorsHosts": ["*"],
            "ActivityLogRetentionDays": 30,
            "LibraryScanFanoutConcurrency": 0,
            "LibraryMetadataRefreshConcurrency": 0,
            "AllowClientLogUpload": True,
            "DummyChapterDuration": 0,
            "ChapterImageResolution": "MatchSource",
            "ParallelImageEncodingLimit": 0,
            "CastReceiverApplications": [],
            "TrickplayOptions": _TRICKPLAY.fresh(),
            "EnableLegacyAuthorization": version == "10.11",
            "LogFileRetentionDays": 3,
            "IsStartupWizardCompleted": False,
        },
        optional={"CachePath": "", "PreviousVersion": "", "PreviousVersionStr": ""},
        enums={
            "ImageSavingConvention": ("Legacy", "Compatible"),
            "ChapterImageResolution": (
                *("MatchSource", "P144", "P240", "P360", "P480", "P720", "P1080", "P1440", "P2160"),
            ),
        },
        nested={
            "MetadataOptions": _METADATA,
            "ContentTypes": Model("NameValuePair", {}, optional={"Name": "", "Value": ""}),
            "PluginRepositories": Model("RepositoryInfo", {"Enabled": False}, optional={"Name": "", "Url": ""}),
            "PathSubstitutions": Model("PathSubstitution", {"From": "", "To": ""}),
            "CastReceiverApplications": Model("CastReceiverApplication", {"Id": "", "Name": ""}),
            "TrickplayOptions": _TRICKPLAY,
        },
    )


NEW_SERVER: dict[str, Any] = {
    "IsPortAuthorized": True,
    "PluginRepositories": [
        {
            "Name": "Jellyfin Stable",
            "Url": "https://repo.jellyfin.org/files/plugin/manifest.json",
            "Enabled": True,
        }
    ],
    "CastReceiverApplications": [{"Id": "F007D354", "Name": "Stable"}, {"Id": "6F511C87", "Name": "Unstable"}],
}


def encoding_options(version: str) -> Model:
    defaults: dict[str, Any] = {
        "EncodingThreadCount": -1,
        "EnableFallbackFont": False,
        "EnableAudioVbr": False,
        "DownMixAudioBoost": 2,
        "DownMixStereoAlgorithm": "None",
        "MaxMuxingQueueSize": 2048,
        "EnableThrottling": False,
        "ThrottleDelaySeconds": 180,
        "EnableSegmentDeletion": False,
        "SegmentKeepSeconds": 720,
        "HardwareAccelerationType": "none",
        "VaapiDevice": "/dev/dri/renderD128",
        "QsvDevice": "",
        "EnableTonemapping": False,
        "EnableVppTonemapping": False,
        "EnableVideoToolboxTonemapping": False,
        "TonemappingAlgorithm": "bt2390",
        "TonemappingMode": "auto",
        "TonemappingRange": "auto",
        "TonemappingDesat": 0,
        "TonemappingPeak": 100,
        "TonemappingParam": 0,
        "VppTonemappingBrightness": 16,
        "VppTonemappingContrast": 1,
        "H264Crf": 23,
        "H265Crf": 28,
        "DeinterlaceDoubleRate": False,
        "DeinterlaceMethod": "yadif",
        "EnableDecodingColorDepth10Hevc": True,
        "EnableDecodingColorDepth10Vp9": True,
        "EnableDecodingColorDepth10HevcRext": False,
        "EnableDecodingColorDepth12HevcRext": False,
        "EnableEnhancedNvdecDecoder": True,
        "PreferSystemNativeHwDecoder": True,
        "EnableIntelLowPowerH264HwEncoder": False,
        "EnableIntelLowPowerHevcHwEncoder": False,
        "EnableHardwareEncoding": True,
        "AllowHevcEncoding": False,
        "AllowAv1Encoding": False,
        "EnableSubtitleExtraction": True,
        "HardwareDecodingCodecs": ["h264", "vc1"],
        "AllowOnDemandMetadataBasedKeyframeExtractionForExtensions": ["mkv"],
    }
    presets = ("auto", "placebo", "veryslow", "slower", "slow", "medium", "fast", "faster", "veryfast", "superfast")
    enums: dict[str, tuple[str, ...]] = {
        "HardwareAccelerationType": (*("none", "amf", "qsv", "nvenc", "v4l2m2m", "vaapi", "videotoolbox", "rkmpp"),),
        "EncoderPreset": (*presets, "ultrafast"),
        "DownMixStereoAlgorithm": ("None", "Dave750", "NightmodeDialogue", "Rfc7845", "Ac4"),
        "TonemappingAlgorithm": ("none", "clip", "linear", "gamma", "reinhard", "hable", "mobius", "bt2390"),
        "TonemappingMode": ("auto", "max", "rgb", "lum", "itp"),
        "TonemappingRange": ("auto", "tv", "pc"),
        "DeinterlaceMethod": ("yadif", "bwdif"),
        "HlsAudioSeekStrategy": ("TrimCopiedAudio", "TranscodeAudio"),
    }
    optional = {"EncoderAppPathDisplay": "", "EncoderAppPath": "", "FallbackFontPath": "", "TranscodingTempPath": ""}
    if version == "10.11":
        optional["EncoderPreset"] = "auto"
    else:
        defaults["EncoderPreset"] = "auto"
        defaults["HlsAudioSeekStrategy"] = "TrimCopiedAudio"
        defaults["SubtitleExtractionTimeoutMinutes"] = 30
    doubles = ("DownMixAudioBoost", "TonemappingDesat", "TonemappingPeak", "TonemappingParam")
    vpp = ("VppTonemappingBrightness", "VppTonemappingContrast")
    return Model("EncodingOptions", defaults, optional, enums, frozenset(doubles + vpp))


# EncoderAppPathDisplay is set when the server finds ffmpeg at its start; a POST without it removes it.
NEW_ENCODING = {"EncoderAppPathDisplay": "ffmpeg"}

NETWORK = Model(
    "NetworkConfiguration",
    {
        "BaseUrl": "",
        "EnableHttps": False,
        "RequireHttps": False,
        "CertificatePath": "",
        "CertificatePassword": "",
        "InternalHttpPort": 8096,
        "InternalHttpsPort": 8920,
        "PublicHttpPort": 8096,
        "PublicHttpsPort": 8920,
        "AutoDiscovery": True,
        "EnableUPnP": False,
        "EnableIPv4": True,
        "EnableIPv6": False,
        "EnableRemoteAccess": True,
        "LocalNetworkSubnets": [],
        "LocalNetworkAddresses": [],
        "KnownProxies": [],
        "IgnoreVirtualInterfaces": True,
        "VirtualInterfaceNames": ["veth"],
        "EnablePublishedServerUriByRequest": False,
        "PublishedServerUriBySubnet": [],
        "RemoteIPFilter": [],
        "IsRemoteIPFilterBlacklist": False,
    },
)
BRANDING = Model("BrandingOptions", {"SplashscreenEnabled": False}, optional={"LoginDisclaimer": "", "CustomCss": ""})
METADATA = Model("MetadataConfiguration", {"UseFileCreationTimeForDateAdded": True})
# The double has no tuners and guides: the lists stay empty.
LIVETV = Model(
    "LiveTvOptions",
    {
        "EnableRecordingSubfolders": False,
        "EnableOriginalAudioWithEncodedRecordings": False,
        "TunerHosts": [],
        "ListingProviders": [],
        "PrePaddingSeconds": 0,
        "PostPaddingSeconds": 0,
        "MediaLocationsCreated": [],
        "RecordingPostProcessorArguments": '"{path}"',
        "SaveRecordingNFO": True,
        "SaveRecordingImages": True,
    },
    optional={
        "GuideDays": 0,
        "RecordingPath": "",
        "MovieRecordingPath": "",
        "SeriesRecordingPath": "",
        "RecordingPostProcessor": "",
    },
)
DATABASE = Model(
    "DatabaseConfigurationOptions",
    {"DatabaseType": "Jellyfin-SQLite", "LockingBehavior": "NoLock"},
    enums={"LockingBehavior": ("NoLock", "Optimistic", "Pessimistic")},
)

LIBRARY = Model(
    "LibraryOptions",
    {
        "Enabled": True,
        "EnablePhotos": True,
        "EnableRealtimeMonitor": False,
        "EnableLUFSScan": False,
        "EnableChapterImageExtraction": False,
        "ExtractChapterImagesDuringLibraryScan": False,
        "EnableTrickplayImageExtraction": False,
        "ExtractTrickplayImagesDuringLibraryScan": False,
        "PathInfos": [],
        "SaveLocalMetadata": False,
        "EnableInternetProviders": False,
        "EnableAutomaticSeriesGrouping": True,
        "EnableEmbeddedTitles": False,
        "EnableEmbeddedExtrasTitles": False,
        "EnableEmbeddedEpisodeInfos": False,
        "AutomaticRefreshIntervalDays": 0,
        "SeasonZeroDisplayName": "Specials",
        "DisabledLocalMetadataReaders": [],
        "DisabledSubtitleFetchers": [],
        "SubtitleFetcherOrder": [],
        "DisabledMediaSegmentProviders": [],
        "MediaSegmentProviderOrder": [],
        "SkipSubtitlesIfEmbeddedSubtitlesPresent": False,
        "SkipSubtitlesIfAudioTrackMatches": True,
        "RequirePerfectSubtitleMatch": True,
        "SaveSubtitlesWithMedia": True,
        "SaveLyricsWithMedia": False,
        "SaveTrickplayWithMedia": False,
        "DisabledLyricFetchers": [],
        "LyricFetcherOrder": [],
        "PreferNonstandardArtistsTag": False,
        "UseCustomTagDelimiters": False,
        "CustomTagDelimiters": ["/", "|", ";", "\\"],
        "DelimiterWhitelist": [],
        "AutomaticallyAddToCollection": False,
        "AllowEmbeddedSubtitles": "AllowAll",
        "TypeOptions": [],
    },
    optional={
        "PreferredMetadataLanguage": "",
        "MetadataCountryCode": "",
        "LocalMetadataReaderOrder": [],
        "MetadataSavers": [],
        "SubtitleDownloadLanguages": [],
    },
    enums={"AllowEmbeddedSubtitles": ("AllowAll", "AllowText", "AllowImage", "AllowNone")},
    nested={
        "PathInfos": Model("MediaPathInfo", {"Path": ""}),
        "TypeOptions": Model(
            "TypeOptions",
            {
                "MetadataFetchers": [],
                "MetadataFetcherOrder": [],
                "ImageFetchers": [],
                "ImageFetcherOrder": [],
                "ImageOptions": [],
            },
            optional={"Type": "", "SimilarItemProviders": [], "SimilarItemProviderOrder": []},
            nested={"ImageOptions": Model("ImageOption", {"Type": "Primary", "Limit": 0, "MinWidth": 0})},
        ),
    },
)
COLLECTION_TYPES = ("movies", "tvshows", "music", "musicvideos", "homevideos", "boxsets", "books", "mixed")
