"""The steps that build a version, a file each. Nothing here touches the live one."""
