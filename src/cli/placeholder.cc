namespace fairlead::cli {}
